"""The sentences people read when something is wrong: what was given, what was needed, what to do.

Each `require_...` returns the value that it was given, or raises a TypeError for its type, a ValueError for itself.
Numbers of NumPy's are taken and returned as Python's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")
Function = TypeVar("Function", bound=Callable[..., object])
MOST = 10**12  # of anything that is counted: more would never end, or does not fit what counts it
MOST_SEEDS = 2**32
LARGEST = sys.float_info.max


class NonFiniteError(ArithmeticError):
    """The objective became NaN or infinite, so neither player has a step to take."""


class LostProcessError(RuntimeError):
    """Another process of a data-parallel run is gone."""


class DamagedRunError(ValueError):
    """A folder that should hold a run does not hold a whole one."""


class MissingClassError(ValueError):
    """What was saved is made of a class that is neither the library's own nor was handed over."""


def plain(value: object) -> object:
    """A number of NumPy's as Python's, which JSON can hold; all else as it is."""
    if type(value).__name__ in ("bool", "bool_"):  # NumPy's is not Python's
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def require_number(name: str, value: object) -> float:
    """A number, which may be infinite or none (NaN)."""
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(
            f"{name} must be a number, got {told(value)}; pass {_instead_of(value, 'a float such as 0.1')}."
        )
    return number


def require_positive(name: str, value: float) -> float:
    """A finite number above zero."""
    number = require_number(name, value)
    if not 0 < number <= LARGEST:
        raise ValueError(f"{name} must be a finite number above 0, got {value}; pass a positive {name}.")
    return number


def require_not_negative(name: str, value: float) -> float:
    """A finite number from zero on."""
    number = require_number(name, value)
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{name} must be a finite number from 0 on, got {value}; pass {name}=0 for none.")
    return number


def require_finite(name: str, value: float) -> float:
    """A finite number."""
    number = require_number(name, value)
    if not -LARGEST <= number <= LARGEST:
        raise ValueError(f"{name} must be a finite number, got {value}; pass one such as 0.1.")
    return number


def require_fraction(name: str, value: float) -> float:
    """A number in [0, 1]."""
    number = require_number(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value}; pass a fraction such as 0.5.")
    return number


def require_count(name: str, value: int, *, least: int = 0) -> int:
    """An integer of at least `least`."""
    count = plain(value)
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(
            f"{name} must be an integer, got {told(value)}; pass {_instead_of(value, 'a whole number')}."
        )
    if count < least:
        raise ValueError(f"{name} must be at least {least}, got {value}; pass {name}={least} or more.")
    if count > MOST:
        raise ValueError(f"{name} must be at most 10**12, got {value}; pass a smaller {name}.")
    return count


def require_seed(name: str, value: int) -> int:
    """What random numbers are made from: a whole number of 32 bits."""
    seed = plain(value)
    if isinstance(seed, int) and seed >= MOST_SEEDS:
        raise ValueError(f"{name} must lie below {MOST_SEEDS}, got {value}; pass a smaller one.")
    return require_count(name, value)


def require_flag(name: str, value: bool) -> bool:
    """True or False."""
    flag = plain(value)
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be True or False, got {told(value)}; pass one of the two.")
    return flag


def require_widths(name: str, widths: Sequence[int]) -> tuple[int, ...]:
    """A sequence of widths of hidden layers, whole numbers from 1 on."""
    if not isinstance(widths, Sequence) or isinstance(widths, str | bytes):
        raise TypeError(
            f"{name} must be a sequence of widths, got {told(widths)}; pass one for each layer: (64, 32)."
        )
    return tuple(require_count(f"{name}[{place}]", width, least=1) for place, width in enumerate(widths))


def require_choice(name: str, value: str, choices: Iterable[str]) -> str:
    """One of `choices`; otherwise the nearest is suggested."""
    known = sorted(choices)
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be a name, got {type(value).__name__} {value!r}; choose one of: {', '.join(known)}."
        )
    if value in known:
        return value
    small = {one.lower(): one for one in known}
    near = get_close_matches(value.lower(), small, n=1, cutoff=0.6)
    hint = f"did you mean {small[near[0]]!r}?" if near else f"choose one of: {', '.join(known)}."
    raise ValueError(f"there is no {name} {value!r}; {hint}")


def require_a(name: str, value: Value, kinds: type | tuple[type, ...], need: str, do: str) -> Value:
    """An object of certain classes: `need` says which in words, `do` what to pass."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {need}, got {told(value)}; {do}.")
    return value


def require_function(name: str, function: Function, given: str, do: str) -> Function:
    """A function, or an object that is called like one, that takes what it is given, such as "(a, b)"."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"{name} must be a function of {given}, got {told(function)}; {do}.")
    try:
        signature(function).bind(*given.strip("()").split(", "))
    except ValueError:  # one of C's, which does not say what it takes
        return function
    except TypeError as error:
        raise TypeError(
            f"{name} is called as {_named(function)}({given.strip('()')}), which it cannot be ({error}); {do}."
        ) from error
    return function


def _named(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def require_whole(name: str, module: object) -> None:
    """A torch module whose constructor has called that of its base, without which torch finds no weights in it."""
    if "_parameters" not in vars(module):
        kind = type(module).__name__
        if type(module).__module__.startswith("torch.jit"):
            raise TypeError(
                f"{name} is a {kind}, whose weights and modes torch keeps elsewhere; wrap it in a torch.nn.Module "
                "whose forward calls it."
            )
        raise TypeError(f"{name} is a {kind} without weights or modes; call super().__init__(...) in its __init__.")


def require_each(
    name: str, values: Sequence[Value], kinds: type | tuple[type, ...], need: str, do: str
) -> tuple[Value, ...]:
    """A list or tuple of such objects, each once."""
    for value in require_a(name, values, (list, tuple), "a list", do):
        require_a(f"each of {name}", value, kinds, need, do)
    if len({id(value) for value in values}) < len(values):
        raise ValueError(f"{name} holds the same object twice; pass it once.")
    return tuple(values)


def require_path(name: str, value: str | Path) -> Path:
    """The name of a file or folder."""
    return Path(require_a(name, value, (str, Path), "a path", "pass a name or a pathlib.Path"))


def told(value: object) -> str:
    """What was given, in few words: a class as one, the rest by its type, short values themselves."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    short = isinstance(value, str | int | float | list | tuple) and len(repr(value)) < 50
    return f"{type(value).__name__} {value!r}" if short else type(value).__name__


def _instead_of(value: object, usual: str) -> str:
    """What to pass: of a tensor or an array, an entry."""
    return "an entry of it, as .item() makes it" if hasattr(value, "item") else usual
