"""The sentences people read when something is wrong: what was given, what was needed, what to do.

Each `require_...` returns the value that it was given, or raises a TypeError for its type, a ValueError for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class NonFiniteError(ArithmeticError):
    """The objective became NaN or infinite, so neither player has a step to take."""


class LostProcessError(RuntimeError):
    """Another process of a data-parallel run is gone."""


class DamagedRunError(ValueError):
    """A folder that should hold a run does not hold a whole one."""


class MissingClassError(ValueError):
    """What was saved is made of a class that is neither the library's own nor was handed over."""


def require_positive(name: str, value: float) -> float:
    """A finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}; pass a float such as 0.1.")
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a finite number above 0, got {value}; pass a positive {name}.")
    return value


def require_fraction(name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value}; pass a fraction such as 0.5.")
    return value


def require_count(name: str, value: int, *, least: int = 0) -> int:
    """An integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!r}; pass a whole number.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}; pass {name}={least} or more.")
    return value


def require_widths(name: str, widths: Sequence[int]) -> Sequence[int]:
    """A sequence of widths of hidden layers, whole numbers from 1 on."""
    if not isinstance(widths, Sequence):
        raise TypeError(f"{name} must be a sequence of widths, got {widths!r}; pass one for each layer: (64, 32).")
    for width in widths:
        require_count(f"a width in {name}", width, least=1)
    return widths


def require_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """One of `choices`; otherwise the nearest is suggested."""
    known = sorted(choices)
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be a name, got {type(value).__name__} {value!r}; choose one of: {', '.join(known)}."
        )
    if value in known:
        return value
    near = get_close_matches(value, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}."
    raise ValueError(f"there is no {name} {value!r}; {hint}")
