"""Optional dependencies: present, or one sentence that names the command that installs them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


class MissingExtraError(ImportError):
    """A feature was asked for whose optional dependency is not installed."""


def require_extra(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency.

    Args:
        module: name to import, such as `"matplotlib.pyplot"`.
        extra: the extra of this package that brings it, such as `"report"`.
        purpose: what it is needed for, to begin the sentence "... needs".

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{purpose} needs {module.split('.')[0]}, which is not installed; "
            f'install it with: pip install "minimax-l2l[{extra}]"'
        ) from error
