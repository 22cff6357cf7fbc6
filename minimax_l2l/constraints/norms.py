"""Norms of each instance of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.trees import per_instance


def event_norm(value: Tensor) -> Tensor:
    """Euclidean norm of each instance, shaped to broadcast over it."""
    norms = torch.linalg.vector_norm(value.reshape(value.shape[0], -1), dim=1)
    return per_instance(norms, value)


def event_max(value: Tensor) -> Tensor:
    """Largest entry of each instance, shape (n,)."""
    return value.reshape(value.shape[0], -1).amax(1)
