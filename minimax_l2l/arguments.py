"""What an object keeps of how it was built: its constructor's arguments, each under its own name."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from minimax_l2l.errors import plain

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


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
