"""Points that lie in several sets at once."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.balls import L2Ball, LinfBall
from minimax_l2l.constraints.base import Constraint, TensorConstraint
from minimax_l2l.constraints.box import Box
from minimax_l2l.constraints.norms import event_norm
from minimax_l2l.trees import Tree


class Intersection(TensorConstraint):
    """The points that lie in every one of several sets.

    Boxes (an L_inf ball is one) are met by clamping to each in turn, which is exact. An L2 ball and boxes that hold
    the origin are met in P_boxes(s y) with the largest s in [0, 1] that the ball allows: the minimiser of
    ||z - y||^2 + m ||z||^2 over the boxes is the clamped y / (1 + m). Otherwise the nearest point is found by
    Dykstra's alternating projections (Boyle and Dykstra, 1986), which is slow far away.

    Args:
        parts: the sets; the first one says how updates are squashed and random points drawn.
        iterations: most rounds of alternating projections.
        tolerance: largest violation at which they stop.
    """

    def __init__(self, *parts: Constraint, iterations: int = 200, tolerance: float = 1e-6) -> None:
        if not parts:
            raise ValueError("Intersection needs at least one set, got none; use Free() for no constraint.")
        self.parts, self.iterations, self.tolerance = parts, iterations, tolerance
        self._boxes = tuple(part for part in parts if isinstance(part, LinfBall | Box))
        self._balls = tuple(part for part in parts if isinstance(part, L2Ball))

    def project(self, y: Tree) -> Tensor:
        """The nearest point of all sets at once."""
        tensor = self._tensor(y)
        if len(self._boxes) == len(self.parts):
            return self._clamp(tensor)
        if self._balls and len(self._boxes) + len(self._balls) == len(self.parts) and self._hold_origin(tensor):
            return self._shrink(tensor, min(ball.eps for ball in self._balls))
        return self._dykstra(tensor)

    def _clamp(self, y: Tensor) -> Tensor:
        for box in self._boxes:
            y = self._tensor(box.project(y))
        return y

    def _hold_origin(self, y: Tensor) -> bool:
        return bool((self._clamp(torch.zeros_like(y)) == 0).all())

    def _shrink(self, y: Tensor, eps: float) -> Tensor:
        low = torch.zeros_like(event_norm(y))
        high = torch.ones_like(low)
        for _ in range(60):
            middle = (low + high) / 2
            fits = event_norm(self._clamp(middle * y)) <= eps
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        fits = event_norm(self._clamp(y)) <= eps
        return torch.where(fits, self._clamp(y), self._clamp(low * y))

    def _dykstra(self, y: Tensor) -> Tensor:
        corrections = [torch.zeros_like(y) for _ in self.parts]
        for _ in range(self.iterations):
            before = y
            for k, part in enumerate(self.parts):
                shifted = y + corrections[k]
                y = self._tensor(part.project(shifted))
                corrections[k] = shifted - y
            settled = bool(((y - before).abs() <= self.tolerance).all())
            if settled and bool((self.violation(y) <= self.tolerance).all()):
                break
        return y

    def squash(self, update: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].squash(update))

    def direction(self, gradient: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].direction(gradient))

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any set."""
        return torch.stack([part.violation(y) for part in self.parts]).amax(0)

    def sample(self, noise: Tree) -> Tensor:
        """A random point of the first set, projected."""
        return self.project(self.parts[0].sample(noise))
