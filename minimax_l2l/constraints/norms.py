"""Norms of each instance of a batch, taken over its dimensions as they lie in memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def event_norm(value: Tensor, *, order: float = 2) -> Tensor:
    """Norm of each instance, the Euclidean one unless another order is asked, shaped to broadcast over it."""
    dims = _event(value)
    if not dims:
        return value.abs()
    if order == math.inf:  # which is slow in vector_norm
        return value.abs().amax(dims, keepdim=True)
    norm: Tensor = torch.linalg.vector_norm(value, order, dims, keepdim=True)
    return norm


def event_sum(value: Tensor) -> Tensor:
    """Sum of each instance's entries, shaped to broadcast over it."""
    dims = _event(value)
    return value.sum(dims, keepdim=True) if dims else value


def event_max(value: Tensor) -> Tensor:
    """Largest entry of each instance, shape (n,)."""
    dims = _event(value)
    return value.amax(dims) if dims else value


def signs(gradient: Tensor) -> Tensor:
    """The sign of each entry, NaN where that is no finite number: of a NaN torch's is 0, which would hide it."""
    return gradient.sign() + (gradient - gradient)


def event_rows(value: Tensor) -> Tensor:
    """The entries of each instance side by side, shape (n, d)."""
    return value.flatten(1) if value.dim() > 1 else value[:, None]


def _event(value: Tensor) -> tuple[int, ...]:
    """All dimensions but the first; torch takes an empty tuple for all of them, so callers must not pass it on."""
    return tuple(range(1, value.dim()))
