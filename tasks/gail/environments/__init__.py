"""Environments whose episodes are seeded one by one, and those of fixed length."""
