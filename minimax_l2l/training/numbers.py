"""A step's numbers, which may still be on their way from the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from minimax_l2l.errors import plain, require_a, told
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.solution import Row


def require_numbers(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a task's method returns to be logged: single numbers by name, those of NumPy's as Python's."""
    found = require_a(f"what {method} returns", given, Mapping, "numbers by name", "return a dict")
    for name, value in found.items():
        single = isinstance(value, Tensor) and value.numel() == 1
        if not isinstance(name, str) or not (single or isinstance(plain(value), int | float)):
            raise TypeError(
                f"what {method} returns must be numbers by name, got {name!r}: {told(value)}; return single ones."
            )
    return {name: plain(value) for name, value in found.items()}


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
