"""Dykstra's alternating projections: the nearest point of sets of which each can be projected on alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from minimax_l2l.trees import Tree, leaves

PATIENCE = 10


def alternate(
    y: Tensor,
    projections: Sequence[Callable[[Tensor], Tree]],
    violation: Callable[[Tensor], Tensor],
    *,
    iterations: int,
    tolerance: float,
) -> Tensor:
    """Project on one set after the other, each time with that set's last correction put back first.

    Rounds end after `iterations`, or where no instance's `violation`, of shape (n,), and no coordinate's move in a
    round is above `tolerance`; an instance that holds a NaN does not hold up the others. This is looked up after
    every tenth round only, since each look waits for the device. Autograd goes through all rounds taken.

    Source: Boyle and Dykstra, A method for finding projections onto the intersection of convex sets in Hilbert
    spaces, 1986.
    """
    corrections = [torch.zeros_like(y) for _ in projections]
    for taken in range(1, iterations + 1):
        before = y
        for k, project in enumerate(projections):
            shifted = y + corrections[k]
            (y,) = leaves(project(shifted))
            corrections[k] = shifted - y
        if taken % PATIENCE == 0:
            moving = ((y - before).abs() > tolerance).any() | (violation(y) > tolerance).any()
            if not bool(moving):
                break
    return y
