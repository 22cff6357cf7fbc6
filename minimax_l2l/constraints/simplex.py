"""The probability simplex."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.base import TensorConstraint
from minimax_l2l.constraints.norms import event_max
from minimax_l2l.trees import Tree


class Simplex(TensorConstraint):
    """y_j >= 0 and sum_j y_j = 1 along the last dimension.

    The projection is by sorting (Held, Wolfe and Crowder, 1974). A NaN makes its own simplex NaN.
    """

    dimensions = ("instances", "coordinates")

    def project(self, y: Tree) -> Tensor:
        """max(y - tau, 0) with the tau that makes it sum to one."""
        tensor = self._tensor(y)
        tensor = tensor - tensor.detach().amax(-1, keepdim=True)  # tau moves along; a sum of large ones loses the 1
        ordered = tensor.sort(dim=-1, descending=True).values
        excess = ordered.cumsum(-1) - 1
        count = torch.arange(1, tensor.shape[-1] + 1, device=tensor.device, dtype=tensor.dtype)
        support = (ordered * count > excess).sum(-1, keepdim=True)
        tau = excess.gather(-1, (support - 1).clamp_min(0)) / support  # of a NaN nothing is in the support
        return (tensor - tau).clamp_min(0)

    def squash(self, update: Tree) -> Tensor:
        """tanh(update) less its mean: bounded, and tangent to the simplex."""
        bounded = torch.tanh(self._tensor(update))
        return bounded - bounded.mean(-1, keepdim=True)

    def tangent(self, gradient: Tree) -> Tensor:
        """The gradient less its mean, since the sum stays 1."""
        tensor = self._tensor(gradient)
        return tensor - tensor.mean(-1, keepdim=True)

    def violation(self, y: Tree) -> Tensor:
        """The larger of the most negative entry and the sum's distance from one."""
        tensor = self._tensor(y)
        negative = event_max((-tensor).clamp_min(0))
        return torch.maximum(negative, event_max((tensor.sum(-1, keepdim=True) - 1).abs()))

    def sample(self, noise: Tree) -> Tensor:
        """Uniform on the simplex, from normalised exponential variables."""
        uniform = self._tensor(noise)
        exponential = -torch.log((1 - uniform).clamp_min(torch.finfo(uniform.dtype).tiny))
        return exponential / exponential.sum(-1, keepdim=True).clamp_min(torch.finfo(uniform.dtype).tiny)
