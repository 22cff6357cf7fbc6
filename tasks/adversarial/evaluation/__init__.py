"""How robust a classifier is, and what its training cost."""
