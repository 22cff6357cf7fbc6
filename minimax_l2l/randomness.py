"""Random numbers that belong to an instance, not to its place in a batch, its worker or its device.

A start drawn from a global generator changes when the batch is split over two devices or a run is
resumed. Here each number is a hash of (seed, step, instance, coordinate), so it never does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Multipliers and shifts of the SplitMix64 output function (Steele, Lea and Flood, OOPSLA 2014).
_GAMMA = 0x9E3779B97F4A7C15
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB
_SIZE = 1 << 64


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
    # Seed and step are mixed as Python's numbers: a tensor made of them would be a copy to the device.
    stream = _mix(_mix(seed + _GAMMA) + step * _GAMMA)
    indices = indices.to(device=like.device, dtype=torch.int64)
    rows = _mix_tensor(indices * _signed(_GAMMA) + _signed(stream + _GAMMA))
    columns = torch.arange(1, math.prod(like.shape[1:]) + 1, device=like.device)
    mixed = _mix_tensor(torch.add(rows[:, None], columns, alpha=_signed(_GAMMA)))
    kept = min(
        24, 1 - round(math.log2(torch.finfo(like.dtype).eps))
    )  # bits that the mantissa holds, as float32 does
    return (_shift_right(mixed, 64 - kept).to(like.dtype) / (1 << kept)).view_as(like)


def _mix(value: int) -> int:
    """SplitMix64's output function, modulo 2^64."""
    value %= _SIZE
    value = (value ^ (value >> 30)) * _MIX_A % _SIZE
    value = (value ^ (value >> 27)) * _MIX_B % _SIZE
    return value ^ (value >> 31)


def _mix_tensor(value: Tensor) -> Tensor:
    """The same of each entry; products of int64 wrap around by themselves."""
    value = (value ^ _shift_right(value, 30)) * _signed(_MIX_A)
    value = (value ^ _shift_right(value, 27)) * _signed(_MIX_B)
    return value ^ _shift_right(value, 31)


def _shift_right(value: Tensor, bits: int) -> Tensor:
    """Unsigned right shift: torch's int64 shift keeps the sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """The number in [-2^63, 2^63) with the same last 64 bits."""
    return (value + _SIZE // 2) % _SIZE - _SIZE // 2
