"""Random numbers that belong to an instance, not to its place in a batch, its worker or its device.

A start drawn from a global generator changes when the batch is split over two devices or a run is
resumed. Here each number is a hash of (seed, step, instance, coordinate), so it never does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Multipliers and shifts of the SplitMix64 output function (Steele, Lea and Flood, OOPSLA 2014).
_GAMMA = -0x61C8864680B583EB
_MIX_A = -0x40A7B892E31B1A47
_MIX_B = -0x6B2FB644ECCEEE15


def _shift_right(value: Tensor, bits: int) -> Tensor:
    """Unsigned right shift: torch's int64 shift keeps the sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _mix(value: Tensor) -> Tensor:
    value = (value ^ _shift_right(value, 30)) * _MIX_A
    value = (value ^ _shift_right(value, 27)) * _MIX_B
    return value ^ _shift_right(value, 31)


def uniform(like: Tensor, indices: Tensor, *, seed: int, step: int) -> Tensor:
    """Uniform numbers in [0, 1), one for each entry of `like`.

    Args:
        like: tensor of shape (n, *event) whose shape, dtype and device the result takes.
        indices: the n instances' own numbers, such as their places in the data set; int64.
        seed: the run's seed.
        step: the run's step, so that an instance gets a new start each time it is met.

    Returns:
        Tensor shaped as `like`. Row i depends on (seed, step, indices[i]) alone.
    """
    indices = indices.to(device=like.device, dtype=torch.int64)
    run = torch.tensor([seed, step], dtype=torch.int64, device=like.device)
    stream = _mix(_mix(run[0] + _GAMMA) + run[1] * _GAMMA)
    rows = _mix(stream + (indices + 1) * _GAMMA)
    event = like[0].numel() if like.shape[0] else 0
    columns = torch.arange(1, event + 1, device=like.device) * _GAMMA
    kept = min(
        24, 1 - round(math.log2(torch.finfo(like.dtype).eps))
    )  # bits that the mantissa holds, as float32 does
    bits = _shift_right(_mix(rows[:, None] + columns[None, :]), 64 - kept)
    return (bits.to(like.dtype) / (1 << kept)).view_as(like)
