"""How an inner problem is maximised: hand-designed rules and the learned one, behind one interface."""

from minimax_l2l.optimizers.adam import Adam
from minimax_l2l.optimizers.ascent import FGSM, PGM, AlternatingAscent, ExtraGradient, GradientAscent
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.lbfgs import LBFGS
from minimax_l2l.optimizers.learned import LearnedOptimizer

__all__ = [
    "FGSM",
    "LBFGS",
    "PGM",
    "Adam",
    "AlternatingAscent",
    "ExtraGradient",
    "GradientAscent",
    "InnerOptimizer",
    "LearnedOptimizer",
]
