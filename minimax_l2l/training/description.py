"""What a game is made of, as a run's folder keeps it in its `config.json`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minimax_l2l.errors import plain
from minimax_l2l.fingerprint import fingerprint
from minimax_l2l.modes import frozen

PLAIN = (bool, int, float, str, type(None))
DEEPEST = 4
POSITIONAL = "arguments"
OTHER_PRECISIONS = (torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128)
FOREIGN = ("builtins", "abc", "torch", "huggingface_hub")  # whose classes' own attributes are no settings


def describe(value: object, depth: int = 0) -> Any:
    """An object as JSON can hold it: its class, what it was constructed with, and its plain public attributes.

    The constructors of all its classes count, and so do attributes of the classes. It is the same in every process:
    tensors are told by a checksum, modules by their layers and the shapes of their weights. A function is told by
    its name; one that was made within another also by what it has captured, a method by its object. Nothing random
    and no address is in it; what cannot be told, such as what a function does, is told by its class or name alone.
    """
    value = plain(value)
    if isinstance(value, PLAIN):
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        value = torch.tensor(value)
    if isinstance(value, torch.device | torch.dtype):
        return str(value)
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Tensor):
        return fingerprint([value])
    if isinstance(value, Mapping):
        return _each(value, depth) if depth < DEEPEST else len(value)
    if isinstance(value, list | tuple | set | frozenset):
        shown = depth < DEEPEST or all(isinstance(plain(own), PLAIN) for own in value)
        return [describe(own, depth + 1) for own in _ordered(value)] if shown else len(value)
    if isinstance(value, partial) or inspect.isroutine(value) or inspect.isclass(value):
        return _function(value, depth)
    told: dict[str, Any] = {"class": type(value).__name__}
    if isinstance(value, torch.optim.Optimizer):
        groups = [{name: own for name, own in group.items() if name != "params"} for group in value.param_groups]
        return {**told, "groups": describe(groups, depth + 1)}
    checksum = getattr(value, "sha256", None)  # of data, which may be large: asked for once
    if isinstance(checksum, str):
        return {**told, "sha256": checksum}
    if depth < DEEPEST:
        settings = _each(_settings(value), depth)
        told |= sorted(settings.items(), key=lambda setting: isinstance(setting[1], dict))  # the plain ones first
        if isinstance(value, nn.Module):
            told["layers"] = _layers(value)
    if isinstance(value, nn.Module):
        told["weights"] = _shapes(value)
    return told


def describe_game(
    task: object, theta: nn.Module | None, optimizer: object, hooks: Sequence[object], **options: str
) -> dict[str, Any]:
    """Everything that a run goes on with: the options, the hooks, the task and both players."""
    known = any(own is theta for own in _settings(task).values())
    return {
        **options,
        "hooks": [describe(hook, DEEPEST - 1) for hook in hooks],  # what they are made for is told beside them
        "task": describe(task),
        "optimizer": describe(optimizer),
        **({} if known else {"outer": describe(theta)}),
    }


def _each(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {str(name): describe(own, depth + 1) for name, own in values.items()}


def _function(function: Any, depth: int) -> Any:
    """A function's or class's name, and what was bound to it: arguments, an object, captured variables."""
    bound: dict[str, Any] = {}
    if isinstance(function, partial):
        inner = _function(function.func, depth)
        bound = {POSITIONAL: list(function.args), **function.keywords}
        return {**(inner if isinstance(inner, dict) else {"function": inner}), **_each(bound, depth)}
    if inspect.ismethod(function):
        bound = {"of": function.__self__}
    elif inspect.isfunction(function):
        bound = _captured(function)
    return {"function": _name(function), **_each(bound, depth)} if bound and depth < DEEPEST else _name(function)


def _captured(function: FunctionType) -> dict[str, Any]:
    """The variables of the functions around it; and the defaults of one made there, which often are such variables.

    A variable that has no value yet is left out.
    """
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    captured = {
        name: cell.cell_contents for name, cell in cells if cell != CellType()
    }  # an empty one holds nothing
    if "<" not in function.__qualname__:
        return captured
    parameters = inspect.signature(function).parameters
    defaults = {name: one.default for name, one in parameters.items() if one.default is not one.empty}
    return {**defaults, **captured}


def _layers(module: nn.Module) -> dict[str, str]:
    """Each part by its path: its class, its plain public attributes and functions, and whether it is frozen."""
    kept = set(frozen(module))
    return {path or "itself": _layer(part, part in kept) for path, part in module.named_modules()}


def _layer(part: nn.Module, kept: bool) -> str:
    """A part as Python would write it; `frozen` names what its owner has switched off."""
    words = [f"{name}={describe(own)!r}" for name, own in vars(part).items() if _is_setting(name, own)]
    words += [
        f"{name}={_name(own)}"
        for name, own in vars(part).items()
        if inspect.isroutine(own) and not name.startswith("_")
    ]
    weights = dict(part.named_parameters(recurse=False))
    still = [name for name, weight in weights.items() if not weight.requires_grad]
    if still or (kept and next(part.parameters(), None) is None):
        words.append(f"frozen: {' '.join(still)}" if len(still) < len(weights) else "frozen")
    return f"{type(part).__name__}({', '.join(words)})"


def _settings(value: object) -> dict[str, Any]:
    """The constructors' arguments that the object kept under their names, and its plain public attributes."""
    kinds = [kind for kind in reversed(type(value).__mro__) if kind.__module__.split(".")[0] not in FOREIGN]
    kept: dict[str, Any] = {}
    for name in (name for kind in kinds for name in _arguments(kind)):
        own = getattr(value, name, getattr(value, f"_{name}", inspect.Signature))
        if own is not inspect.Signature:
            kept[name] = own
    attributes = {name for kind in kinds for name, own in vars(kind).items() if _is_setting(name, own)}
    for name in sorted(attributes | set(getattr(value, "__dict__", ()))):
        if name not in kept and _is_setting(name, own := getattr(value, name)):
            kept[name] = own
    return kept


def _arguments(kind: type) -> list[str]:
    """What a class's own constructor is told by name."""
    try:
        parameters = list(inspect.signature(vars(kind)["__init__"]).parameters.values())[1:]
    except (KeyError, TypeError, ValueError):
        return []
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.kind not in several]


def _is_setting(name: str, value: object) -> bool:
    """A number, a string, or a few of them, under a name that is public; a module's mode is none."""
    several = value if isinstance(value, tuple | list) else (value,)
    return not name.startswith("_") and name != "training" and all(isinstance(plain(one), PLAIN) for one in several)


def _ordered(values: Any) -> Sequence[Any]:
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _shapes(module: nn.Module) -> str:
    """How many parameters, a checksum of their names and shapes, and the precisions that are not the usual one."""
    state = module.state_dict().items()
    unusual = {name: str(part.dtype) for name, part in state if part.dtype in OTHER_PRECISIONS}
    shapes = [(name, tuple(part.shape), *([unusual[name]] if name in unusual else [])) for name, part in state]
    count = sum(part.numel() for part in module.parameters())
    told = f"{count} in {fingerprint([], repr(shapes))[:16]}"
    return f"{told} of {' and '.join(sorted(set(unusual.values())))}" if unusual else told
