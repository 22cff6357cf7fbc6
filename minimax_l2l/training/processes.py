"""What a task may ask of the other processes of its run; alone, each answers for itself."""

from __future__ import annotations

import torch
from torch import Tensor


def processes() -> int:
    """How many processes share this run."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def from_all(rows: Tensor) -> Tensor:
    """The rows of all processes, shape (n, ...) with the same n in each, one process after the other."""
    if processes() == 1:
        return rows
    parts = [torch.empty_like(rows) for _ in range(processes())]
    torch.distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


def mean_over_all(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes, the same in each."""
    if processes() == 1:
        return value
    total = value.clone()
    torch.distributed.all_reduce(total)
    return total / processes()
