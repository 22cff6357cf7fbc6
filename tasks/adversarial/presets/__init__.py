"""Adversarial training as the command line sees it."""
