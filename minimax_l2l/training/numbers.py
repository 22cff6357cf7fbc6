"""A step's numbers, which may still be on their way from the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from minimax_l2l.errors import plain, require_a, told
from minimax_l2l.training.gain import GAIN, OUTSIDE, RESIDUAL, SIZE
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.solution import Row

OWN = ("step", "seconds", "objective", GAIN, SIZE, OUTSIDE, RESIDUAL)  # what a row has from the loop


def require_numbers(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a task gives to be logged: single numbers by name, those of NumPy's as Python's.

    Raises:
        TypeError: if it gives something else.
        ValueError: if one bears the name of a number that every row has.
    """
    found = require_a(name, given, Mapping, "numbers by name", "return a dict")
    for key, value in found.items():
        single = isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex()
        if not isinstance(key, str) or not (single or isinstance(plain(value), int | float)):
            raise TypeError(f"{name} must be numbers by name, got {key!r}: {_size(value)}; return single ones.")
        if key in OWN:
            raise ValueError(
                f"{name} must leave {key!r} to the loop, whose own number it would replace; give it another name, "
                f"such as 'my_{key}'."
            )
    return {key: plain(value) for key, value in found.items()}


def _size(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else told(value)


class Numbers(Mapping[str, float]):
    """Numbers by name. One that is a tensor is waited for when it is read, and not before."""

    def __init__(self, given: Mapping[str, Tensor | float]) -> None:
        self._given = dict(given)

    def __getitem__(self, name: str) -> float:
        value = self._given[name]
        return value.item() if isinstance(value, Tensor) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def update(self, more: Mapping[str, float]) -> None:
        """Add numbers."""
        self._given.update(more)

    def averaged(self, runtime: Runtime) -> Row:
        """All of them, plain; tensors as their means over all processes."""
        return {
            name: runtime.mean(value).item() if isinstance(value, Tensor) else value
            for name, value in self._given.items()
        }
