"""Feasible sets of the inner variable: nearest feasible point, bounded update, violation, random point."""

from minimax_l2l.constraints.balls import L2Ball, LinfBall
from minimax_l2l.constraints.base import Constraint, Intersection, TensorConstraint
from minimax_l2l.constraints.box import Box
from minimax_l2l.constraints.free import Free
from minimax_l2l.constraints.product import Product
from minimax_l2l.constraints.simplex import Simplex

__all__ = [
    "Box",
    "Constraint",
    "Free",
    "Intersection",
    "L2Ball",
    "LinfBall",
    "Product",
    "Simplex",
    "TensorConstraint",
]
