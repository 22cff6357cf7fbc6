"""Imitation as the command line sees it."""
