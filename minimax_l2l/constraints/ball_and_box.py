"""The nearest point of an L2 ball that is cut by a box, exactly and with its derivative."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.norms import event_norm
from minimax_l2l.trees import per_instance


def nearest(y: Tensor, eps: float, low: Tensor, high: Tensor) -> Tensor:
    """Argmin of ||z - y|| over ||z|| <= eps and low <= z <= high, instance by instance; the box holds the origin.

    It is P(s y), P the clamp to the box, with the largest s in [0, 1] that the ball allows: the minimiser of
    ||z - y||^2 + m ||z||^2 over the box is P(y / (1 + m)). As a function of s^2, ||P(s y)||^2 is linear between the
    places where s y_j meets a bound, so sorting those finds the piece on which it is eps^2, and there

        s^2 = (eps^2 - sum of clamped b_j^2) / (sum of free y_j^2).

    The piece is a constant to autograd and s is not, so the derivative is the projection's own.

    Args:
        y: shape (n, *event).
        eps: radius of the ball.
        low: lower bounds of the box, at most 0, shaped to broadcast over y.
        high: upper bounds, at least 0.

    Returns:
        Shaped as y; an instance with NaN stays NaN and touches no other.
    """
    clamped = y.clamp(low, high)
    outside = event_norm(clamped) > eps
    with torch.no_grad():
        bound = torch.where(y > 0, high, low)
        # The s at which a coordinate meets its bound; beyond every s where it never does.
        meets = torch.where(y == 0, torch.inf, bound / y).flatten(1)
        last = _last_met(meets, y.flatten(1).square(), bound.flatten(1).square(), eps**2)
        free = (meets > last).view_as(y)
        taken = torch.where(free, 0, bound).flatten(1).square().sum(1)
    length = torch.where(free, y, 0).flatten(1).square().sum(1)
    # Inside the ball s is not used; 1 keeps its root's derivative finite.
    square = torch.where(outside.flatten(), (eps**2 - taken) / length, 1)
    shrunk = torch.where(free, per_instance(square.sqrt(), y) * y, bound)
    return torch.where(outside, shrunk, clamped)


def _last_met(meets: Tensor, squares: Tensor, bounds: Tensor, most: float) -> Tensor:
    """The largest s at which a coordinate meets its bound and ||P(s y)||^2 <= most; -1 if there is none; (n, 1)."""
    places, order = meets.sort(dim=1)
    clamped = bounds.gather(1, order).cumsum(1)
    ordered = squares.gather(1, order)
    free = ordered.flip(1).cumsum(1).flip(1) - ordered
    # Zero times infinity is what a coordinate that never meets its bound has left of others.
    fits = clamped + torch.where(free > 0, places.square() * free, 0) <= most
    return torch.where(fits, places, -1).amax(1, keepdim=True)
