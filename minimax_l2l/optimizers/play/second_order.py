"""Gradient play that products with the gradient's derivative correct: consensus and symplectic adjustment."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.errors import require_flag, require_not_negative, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, map_leaves, per_instance, shifted

ALIGNMENT = 0.1  # decides for + where neither sign is much better


class ConsensusOptimization(InnerOptimizer):
    """y_{k+1} = project(y_k + step_size * (g - gamma J'g)), J = dg / dy.

    J'g is the gradient of |g|^2 / 2, which is descended as well. With a large gamma it goes wherever the gradient
    is zero, also to points that no player wants. A step costs one gradient and one product.

    Args:
        steps: K.
        step_size: in units of y over units of the gradient.
        gamma: how much the gradient's length counts, in units of y over units of the gradient.
        random_start: see `InnerOptimizer`.

    Source: Mescheder, Nowozin and Geiger, "The numerics of GANs", 2017.
    """

    def __init__(self, *, steps: int, step_size: float, gamma: float = 1.0, random_start: float = 0.0) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.gamma = require_not_negative("gamma", gamma)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step."""
        slope = oracle.slope(y)
        move = shifted(slope.gradient, -self.gamma, slope.transposed(slope.gradient))
        return oracle.problem.constraint.project(shifted(y, self.step_size, move)), state


class SymplecticAdjustment(InnerOptimizer):
    """y_{k+1} = project(y_k - step_size * (F + s A'F)), F = -g, A = (H - H') / 2, H = dF / dy.

    A is the part of H that makes players circle. The sign s is that of <F, H'F> <A'F, H'F> / d + 0.1, in d
    dimensions, so that play is drawn to stable points and driven from unstable ones; without `align` it is +1. A
    step costs one gradient and two products.

    Args:
        steps: K.
        step_size: in units of y over units of the gradient.
        align: whether the sign is chosen.
        random_start: see `InnerOptimizer`.

    Source: Balduzzi et al., "The mechanics of n-player differentiable games", 2018.
    """

    def __init__(self, *, steps: int, step_size: float, align: bool = True, random_start: float = 0.0) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.align = require_flag("align", align)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step."""
        slope = oracle.slope(y)
        field = map_leaves(torch.neg, slope.gradient)
        pulled = slope.transposed(slope.gradient)  # H'F: both signs of g cancel
        pushed = slope.times(slope.gradient)  # HF
        turned = map_leaves(lambda one, other: (one - other) / 2, pulled, pushed)  # A'F
        sign = torch.ones_like(_dots(field, field))
        if self.align:
            size = sum(leaf[0].numel() for leaf in leaves(y))
            sign = torch.sign(_dots(field, pulled) * _dots(turned, pulled) / size + ALIGNMENT)
        move = map_leaves(lambda one, other: -(one + per_instance(sign, other) * other), field, turned)
        return oracle.problem.constraint.project(shifted(y, self.step_size, move)), state


def _dots(one: Tree, other: Tree) -> Tensor:
    """Inner products, instance by instance, shape (n,)."""
    products = [(a * b).flatten(1).sum(1) for a, b in zip(leaves(one), leaves(other), strict=True)]
    return torch.stack(products).sum(0)
