"""Minimax problems worth solving, built on `minimax_l2l`; each subpackage stands alone."""
