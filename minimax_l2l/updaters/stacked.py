"""A linear layer that takes one set of weights for all instances, or one for each."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StackedLinear(nn.Linear):
    """W a + b with W of shape (out, in), or of shape (n, out, in) if each of n instances has its own."""

    def forward(self, features: Tensor) -> Tensor:
        """Features of shape (n, in); the answer has shape (n, out)."""
        if self.weight.dim() == 2:
            return super().forward(features)
        return torch.baddbmm(self.bias[:, :, None], self.weight, features[:, :, None])[:, :, 0]
