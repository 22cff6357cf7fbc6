"""A box: bounds on every coordinate."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.base import TensorConstraint
from minimax_l2l.constraints.norms import event_max
from minimax_l2l.trees import Tree


class Box(TensorConstraint):
    """low <= y <= high, with bounds that may be numbers or tensors that broadcast over y.

    Args:
        low: lower bounds, in the units of y.
        high: upper bounds; nowhere below `low`.
    """

    def __init__(self, low: float | Tensor, high: float | Tensor) -> None:
        lowest, highest = torch.as_tensor(low), torch.as_tensor(high)
        if not bool((lowest <= highest).all()):
            raise ValueError(
                "Box needs low <= high everywhere, got a low bound above its high bound (or a NaN); "
                "swap the two or check the data that they were made from."
            )
        self.low, self.high = low, high

    def project(self, y: Tree) -> Tensor:
        """clamp(y, low, high)."""
        tensor = self._tensor(y)
        if isinstance(self.low, Tensor) or isinstance(self.high, Tensor):
            low = torch.as_tensor(self.low, dtype=tensor.dtype, device=tensor.device)
            high = torch.as_tensor(self.high, dtype=tensor.dtype, device=tensor.device)
            return torch.minimum(torch.maximum(tensor, low), high)
        return tensor.clamp(self.low, self.high)

    def squash(self, update: Tree) -> Tensor:
        """Half the box's width times tanh(update)."""
        return (self.high - self.low) / 2 * torch.tanh(self._tensor(update))

    def direction(self, gradient: Tree) -> Tensor:
        """sign(gradient), the steepest ascent in the maximum norm."""
        return self._tensor(gradient).sign()

    def violation(self, y: Tree) -> Tensor:
        """Largest distance to the nearer bound; 0 inside."""
        tensor = self._tensor(y)
        return event_max(torch.maximum(self.low - tensor, tensor - self.high).clamp_min(0))

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the box."""
        return self.low + (self.high - self.low) * self._tensor(noise)
