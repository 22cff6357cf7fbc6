"""What code of one's own does, so that it is known again, and other code of the same name for what it is."""

from __future__ import annotations

import dis
import inspect
import json
import math
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minimax_l2l.errors import plain
from minimax_l2l.fingerprint import fingerprint

PLAIN = (bool, int, float, str, type(None))
LIBRARIES = ("builtins", "huggingface_hub", "minimax_l2l", "numpy", "tasks", "torch")
INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
LONG = 200  # letters; of a longer value the checksum is kept
_NOTHING = object()


def tell(given: FunctionType | type) -> dict[str, Any]:
    """What a function or class of one's own is made of, as JSON can hold it.

    Told are its functions, by what they do and not by where they stand or what their docstrings say, and the
    functions and classes of one's own that these call by name or have captured, as deep as that goes. Beside them
    the plain values, tensors and lists of these that they have as defaults, have captured or read by name, and the
    plain attributes of the classes. Not followed are installed packages and this library, methods of other objects,
    and what a function itself sets.

    Returns:
        "code", a checksum for each function, and "values", both by name; and "python", whose code it is. Of a class
        of the library's there is no code.
    """
    found = _Found((given.__module__ or "").partition(".")[0])
    if isinstance(given, type):
        found.kind(given.__name__, given)
    else:
        found.function(given.__name__, given)
    return {"code": found.code, "values": found.values, "python": ".".join(map(str, sys.version_info[:2]))}


def tell_parts(network: nn.Module) -> dict[str, Any]:
    """What the classes of a network's parts do, see `tell`, by name; those of installed packages are left out."""
    kinds = {type(part).__name__: type(part) for part in network.modules()}
    own = {name: tell(kind) for name, kind in kinds.items() if not _is_installed(_home_of(kind))}
    return {name: told for name, told in own.items() if told["code"]}


def differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """In what code differs from that of then, in words; None if in nothing that can be compared.

    What another version of Python has made of a function cannot be.
    """
    for part in ("code", "values") if then["python"] == now["python"] else ("values",):
        names = [*now[part], *(name for name in then[part] if name not in now[part])]
        changed = [name for name in names if then[part].get(name, _NOTHING) != now[part].get(name, _NOTHING)]
        if changed:
            return f"other {part} ({', '.join(changed)})"
    return None


def warn_if_another(kind: str, then: Mapping[str, Any], now: type) -> None:
    """Warn of a class that does something else than the one of then, which `tell` told; `kind` says what it is."""
    if (what := differing(then, tell(now))) is not None:
        warnings.warn(
            f"what is loaded was saved with the {kind} {now.__name__} of {what}, so it may do something else now; "
            "pass the class of then, or save it again with that of now.",
            stacklevel=3,
        )


def warn_if_parts_changed(folder: Path, then: Mapping[str, Any], now: nn.Module) -> None:
    """Warn of a run's network if one of its classes does something else than `tell_parts` told when it began."""
    found = {name: differing(then[name], own) for name, own in tell_parts(now).items() if name in then}
    if changed := [f"{name} has {what}" for name, what in found.items() if what is not None]:
        warnings.warn(
            f"{folder} was made with a network that did something else: now {', '.join(changed)}; bring back the "
            "code of then, or train again.",
            stacklevel=3,
        )


class _Found:
    """What has been found of one's own code: `code` and `values`, by name."""

    def __init__(self, home: str) -> None:
        self.code: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._home, self._met = home, set[object]()

    def kind(self, name: str, kind: type) -> None:
        """A class, and those of one's own that it is derived from."""
        for one in kind.__mro__:
            if one in self._met or not self._is_own(one.__module__, _home_of(one)):
                continue
            self._met.add(one)
            for attribute, member in vars(one).items():
                self._member(f"{name if one is kind else one.__name__}.{attribute}", member)

    def function(self, name: str, function: FunctionType) -> None:
        """A function with all that it reads."""
        inner = inspect.unwrap(function)
        if inner in self._met:
            return
        self._met.add(inner)
        while name in self.code:  # of a class derived from one of its name, or a property that can be set
            name += "'"
        self.code[name] = fingerprint([], _written(inner.__code__, inner.__doc__))
        for own, value in sorted({**dict(self._globals(inner)), **_defaults(inner), **_captured(inner)}.items()):
            self._part(f"{name}.{own}", value)

    def _member(self, name: str, member: object) -> None:
        """An attribute of a class: a method of any kind, or a value."""
        if isinstance(member, property):
            for part in filter(None, (member.fget, member.fset)):
                self._part(name, part)
        elif isinstance(member, staticmethod | classmethod):
            self._part(name, member.__func__)
        elif inspect.isfunction(member):
            self._part(name, member)
        elif not name.rpartition(".")[2].startswith("_"):
            self._value(name, member)

    def _part(self, name: str, value: Any) -> None:
        function = inspect.unwrap(value.__func__ if inspect.ismethod(value) else value)
        if inspect.isfunction(function):
            if self._is_own(function.__module__, function.__code__.co_filename):
                self.function(name, function)
        elif isinstance(value, type):
            self.kind(name, value)
        else:
            self._value(name, value)

    def _value(self, name: str, value: object) -> None:
        if (shown := _shown(value)) is not _NOTHING:
            text = json.dumps(shown)
            self.values[name] = shown if len(text) < LONG else fingerprint([], text)

    def _globals(self, function: FunctionType) -> Iterator[tuple[str, object]]:
        """What a function reads by name, in its module or in one that it names; not what it sets itself."""
        instructions = [one for code in _codes(function.__code__) for one in dis.get_instructions(code)]
        set_here = {one.argval for one in instructions if one.opname == "STORE_GLOBAL"}
        for one, after in pairwise(instructions):
            name = one.argval
            if one.opname not in ("LOAD_GLOBAL", "LOAD_NAME") or name in set_here:
                continue
            value = function.__globals__.get(name, _NOTHING)
            if isinstance(value, ModuleType):
                own = self._is_own(value.__name__, _file(value))
                if not own or after.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                    continue
                name, value = f"{name}.{after.argval}", vars(value).get(after.argval, _NOTHING)
            if value is not _NOTHING:
                yield name, value

    def _is_own(self, module: str | None, file: str) -> bool:
        top = (module or "").partition(".")[0]
        hidden = not file or file.startswith("<frozen")  # in the interpreter itself
        return top not in LIBRARIES and (top == self._home or not (hidden or _is_installed(file)))


def _is_installed(file: str) -> bool:
    return any(Path(file).is_relative_to(place) for place in INSTALLED)


def _file(module: ModuleType | None) -> str:
    return getattr(module, "__file__", None) or ""


def _home_of(kind: type) -> str:
    """The file of a class's module."""
    return _file(sys.modules.get(kind.__module__))


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of all functions within it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


def _defaults(function: FunctionType) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _captured(function: FunctionType) -> dict[str, object]:
    """The variables of the functions around it that have a value yet."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def _shown(value: object) -> Any:
    """A plain value, a tensor, or several of these, as JSON can hold them; nothing of all else."""
    value = plain(value)
    if isinstance(value, PLAIN):
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        value = torch.tensor(value)
    if isinstance(value, Tensor):
        return _NOTHING if value.is_meta else fingerprint([value])
    if isinstance(value, Mapping):
        value = [[name, own] for name, own in value.items()]
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if not isinstance(value, list | tuple):
        return _NOTHING
    shown = [_shown(own) for own in value]
    return _NOTHING if any(own is _NOTHING for own in shown) else shown


def _written(code: CodeType, but: str | None = None) -> str:
    """What a function does, without where it stands and what its docstring says."""
    constants = [_constant(part) for part in code.co_consts if but is None or part != but]
    return repr((code.co_code.hex(), code.co_names, code.co_varnames, code.co_freevars, constants))


def _constant(part: object) -> str:
    if isinstance(part, CodeType):
        return _written(part)
    return repr(sorted(map(repr, part)) if isinstance(part, frozenset) else part)
