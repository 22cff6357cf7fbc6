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
_ALL = (1 << 64) - 1


def _mix(value: int) -> int:
    """Of a number from 0 to 2^64 - 1, one of the same range."""
    value = (value ^ (value >> 30)) * (_MIX_A & _ALL) & _ALL
    value = (value ^ (value >> 27)) * (_MIX_B & _ALL) & _ALL
    return value ^ (value >> 31)


def _mix_each(values: Tensor) -> Tensor:
    """The same of every entry, int64 standing for 64 bits."""
    values = (values ^ _shift_right(values, 30)) * _MIX_A
    values = (values ^ _shift_right(values, 27)) * _MIX_B
    return values ^ _shift_right(values, 31)


def _shift_right(values: Tensor, bits: int) -> Tensor:
    """Unsigned right shift: torch's int64 shift keeps the sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """64 bits as an int64 holds them."""
    return value - (1 << 64) if value >> 63 else value


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
    # The run's part is mixed on the host, so that nothing has to be copied to the device.
    stream = _signed(_mix((_mix((seed + _GAMMA) & _ALL) + step * _GAMMA) & _ALL))
    rows = _mix_each((indices + 1) * _GAMMA + stream)
    event = math.prod(like.shape[1:])
    columns = torch.arange(1, event + 1, device=like.device) * _GAMMA
    kept = min(24, 1 - round(math.log2(torch.finfo(like.dtype).eps)))  # the bits of a mantissa, float32's at most
    bits = _shift_right(_mix_each(rows[:, None] + columns[None, :]), 64 - kept)
    return (bits.to(like.dtype) / (1 << kept)).view_as(like)
