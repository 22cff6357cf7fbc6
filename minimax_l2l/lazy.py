"""A package's public names, imported when they are asked for, so that a light part of it needs no heavy one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazily(package: str, file: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose `__init__.py` imports its public names under `if TYPE_CHECKING:`.

    That block is read, not run: what type checkers and editors see there is what is imported later, and a name
    stands in one place. Once it is imported, the package has it as any other. See PEP 562. The arguments are the
    package's `__name__` and `__file__`.
    """
    parts = (part for part in ast.parse(Path(file).read_text(encoding="utf-8")).body if isinstance(part, ast.If))
    imports = (line for part in parts for line in part.body if isinstance(line, ast.ImportFrom))
    homes = {name.name: line.module for line in imports for name in line.names}

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
