"""What an object keeps of how it was built: its constructor's arguments, each under its own name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from minimax_l2l.errors import plain

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_FEW = 4  # entries of a list that are shown


class Shown:
    """An object whose `repr` is how it was built, without what was left as it is by default."""

    def __repr__(self) -> str:
        """Such as `LinfBall(eps=0.1)`."""
        return f"{type(self).__name__}({settings(self)})"


def settings(built: object) -> str:
    """The constructor's arguments in words, as far as they were kept and are not the defaults.

    Networks among them are not told where `built` is a network itself, for torch shows them as its parts.
    """
    words: list[str] = []
    for name, parameter in inspect.signature(type(built)).parameters.items():
        own: Any = getattr(built, name, getattr(built, f"_{name}", parameter.empty))
        if own is parameter.empty or (isinstance(own, nn.Module) and isinstance(built, nn.Module)):
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            words += map(_word, own)
        elif parameter.default is parameter.empty or _word(own) != _word(parameter.default):
            words.append(f"{name}={_word(own)}")
    return ", ".join(words)


def _word(value: object) -> str:
    """A value in short, on one line: tensors by their shapes, networks by their class and settings."""
    number = plain(value)
    if isinstance(number, float):
        return f"{number:.6g}"
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, Tensor):
        few = value.numel() <= _FEW and not value.is_meta
        return _word(value.flatten().tolist()) if few else f"tensor of shape {tuple(value.shape)}"
    if isinstance(value, nn.Module):
        return f"{type(value).__name__}({value.extra_repr()})"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_word, value))}]" if len(value) <= _FEW else f"{len(value)} of them"
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__name__
    told = repr(number)
    return told if len(told) < 200 and "\n" not in told and " object at 0x" not in told else type(value).__name__


def arguments(built: object) -> dict[str, Any]:
    """The constructor's arguments, to build the same object again, as scikit-learn's estimators tell them.

    Args:
        built: an object that keeps each argument as an attribute of the same name.

    Raises:
        AttributeError: if an argument was not kept.
        TypeError: if the constructor takes arguments without names.
    """
    kind = type(built)
    if kind.__init__ in (object.__init__, nn.Module.__init__):
        return {}
    _, *parameters = inspect.signature(kind.__init__).parameters.values()
    kept = {}
    for parameter in parameters:
        if parameter.kind in _VARIABLE:
            raise TypeError(
                f"{kind.__name__} cannot be saved, its constructor takes {parameter}; give each argument a name."
            )
        if not hasattr(built, parameter.name):
            raise AttributeError(
                f"{kind.__name__} cannot be saved, it did not keep its argument {parameter.name}; set "
                f"self.{parameter.name} = {parameter.name} in its constructor."
            )
        kept[parameter.name] = plain(getattr(built, parameter.name))
    return kept
