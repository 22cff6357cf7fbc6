"""The nearest point of several sets, of which only the nearest point of each is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Rounds between two looks at whether all is settled, for which the host waits.
LOOK_EVERY = 8


def nearest(
    y: Tensor,
    projections: Sequence[Callable[[Tensor], Tensor]],
    violation: Callable[[Tensor], Tensor],
    *,
    rounds: int,
    tolerance: float,
) -> Tensor:
    """Alternating projections with corrections, which converge to the nearest point of convex sets.

    Slow far away, and not exact: use it where nothing better is known.

    Source: Boyle and Dykstra, A Method for Finding Projections onto the Intersection of Convex Sets, 1986.

    Args:
        y: shape (n, *event).
        projections: onto each set.
        violation: of all sets, shape (n,).
        rounds: most rounds.
        tolerance: of the violation, and of how far a round still moves, at which they stop.
    """
    corrections = [torch.zeros_like(y) for _ in projections]
    for count in range(1, rounds + 1):
        before = y
        for k, project in enumerate(projections):
            shifted = y + corrections[k]
            y = project(shifted)
            corrections[k] = shifted - y
        if count % LOOK_EVERY == 0:
            moving = ((y - before).abs() > tolerance).any() | (violation(y) > tolerance).any()  # NaN does neither
            if not bool(moving):
                break
    return y
