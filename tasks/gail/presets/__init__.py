"""Imitation as the command line sees it."""

from minimax_l2l.lab.family import Family

FAMILY = Family(presets={})
