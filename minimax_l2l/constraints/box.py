"""A box: bounds on every coordinate."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minimax_l2l.constraints.base import TensorConstraint
from minimax_l2l.constraints.norms import event_max, signs
from minimax_l2l.constraints.region import Bound, Region, clamp, fitting
from minimax_l2l.errors import require_number
from minimax_l2l.trees import Tree


class Box(TensorConstraint):
    """low <= y <= high, with bounds that may be numbers or tensors that broadcast over y.

    Args:
        low: lower bounds, in the units of y.
        high: upper bounds; nowhere below `low`.
    """

    holds_origin: bool = False  # until it is known whether low <= 0 <= high everywhere; see `Region`

    def __init__(self, low: Bound, high: Bound) -> None:
        self.low, self.high = low, high = _bound("low", low), _bound("high", high)
        lowest = torch.as_tensor(low)
        highest = torch.as_tensor(high).to(lowest.device)
        try:
            ordered = lowest <= highest
        except RuntimeError as error:
            raise ValueError(
                f"Box needs bounds low and high that broadcast, got shapes {tuple(lowest.shape)} and "
                f"{tuple(highest.shape)}; give both the shape of one instance."
            ) from error
        if not bool(ordered.all()):
            raise ValueError(
                "Box needs low <= high everywhere, got a low bound above its high bound (or a NaN); "
                "swap the two or check the data that they were made from."
            )
        self.holds_origin = bool(((lowest <= 0) & (highest >= 0)).all())

    def project(self, y: Tree) -> Tensor:
        """clamp(y, low, high)."""
        return clamp(self._tensor(y), self.low, self.high)

    def squash(self, update: Tree) -> Tensor:
        """Half the box's width times tanh(update)."""
        tensor = self._tensor(update)
        low, high = self._bounds(tensor)
        return (high - low) / 2 * torch.tanh(tensor)

    def direction(self, gradient: Tree) -> Tensor:
        """sign(gradient), the steepest ascent in the maximum norm; NaN where the gradient is no finite number."""
        return signs(self._tensor(gradient))

    def violation(self, y: Tree) -> Tensor:
        """Largest distance to the nearer bound; 0 inside."""
        tensor = self._tensor(y)
        low, high = self._bounds(tensor)
        return event_max(torch.maximum(low - tensor, tensor - high).clamp_min(0))

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the box."""
        tensor = self._tensor(noise)
        low, high = self._bounds(tensor)
        return low + (high - low) * tensor

    def region(self) -> Region:
        """The box."""
        return Region(self.low, self.high, holds_origin=self.holds_origin)

    def _bounds(self, like: Tensor) -> tuple[Bound, Bound]:
        """Tensors in the dtype and on the device of `like`, numbers as they are."""
        low, high = (
            fitting(bound, like) if isinstance(bound, Tensor) else bound for bound in (self.low, self.high)
        )
        return low, high


def _bound(name: str, value: object) -> Bound:
    """A number, or a tensor of real ones, which may be infinite."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return torch.tensor(value)  # a copy, which may be written to and is the box's own
    if isinstance(value, Tensor) and not value.is_complex() and value.dtype != torch.bool:
        return value
    return require_number(name, value)
