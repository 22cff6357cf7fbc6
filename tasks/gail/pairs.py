"""State-action pairs as the discriminator sees them, and how much each of them counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from minimax_l2l.errors import require_a


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one side, the policy's or the expert's.

    Attributes:
        inputs: encoded, shape (n, inputs).
        weights: how much each counts, shape (n,); None counts all alike.

    Raises:
        TypeError: if they are no tensors.
        ValueError: if they are not of these shapes.
    """

    inputs: Tensor
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        require_a("inputs", self.inputs, Tensor, "a tensor", "pass what Discriminator.encode returns")
        if self.inputs.ndim != 2 or not self.inputs.numel() or not self.inputs.is_floating_point():
            raise ValueError(
                f"inputs must be floating point of shape (n, inputs), n at least 1, got {self.inputs.dtype} of "
                f"shape {tuple(self.inputs.shape)}; pass what Discriminator.encode returns."
            )
        if self.weights is None:
            return
        require_a("weights", self.weights, Tensor, "a tensor", "pass one for each pair, or None")
        if self.weights.shape != self.inputs.shape[:1] or self.weights.dtype.is_complex:
            raise ValueError(
                f"weights must be {len(self.inputs)} real numbers, one for each pair, got shape "
                f"{tuple(self.weights.shape)}; pass one for each pair, or None."
            )

    def __len__(self) -> int:
        """n, the number of pairs."""
        return len(self.inputs)

    def mean(self, values: Tensor) -> Tensor:
        """The weighted mean of one value per pair, shape (n,)."""
        return values.mean() if self.weights is None else (self.weights * values).sum() / self.weights.sum()

    def pick(self, draws: Tensor) -> Tensor:
        """Inputs of pairs drawn by uniform numbers in [0, 1), shape (draws, inputs); each as often as it counts."""
        if self.weights is None:
            return self.inputs[(draws * len(self)).long()]
        shares = self.weights.cumsum(0) / self.weights.sum()
        return self.inputs[torch.searchsorted(shares, draws, right=True).clamp(max=len(self) - 1)]

    def to(self, device: torch.device) -> Pairs:
        """The same on a device."""
        return Pairs(self.inputs.to(device), self.weights.to(device) if self.weights is not None else None)
