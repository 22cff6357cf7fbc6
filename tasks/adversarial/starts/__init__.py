"""Where attacks on training images start, and what is kept for the next ones."""
