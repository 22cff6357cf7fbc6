"""What a game is made of, as a run's folder keeps it, so that a run goes on only with what it began with."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minimax_l2l.errors import plain
from minimax_l2l.fingerprint import fingerprint

PLAIN = (bool, int, float, str, type(None))
DEEPEST = 4
FOREIGN = ("builtins", "abc", "torch", "huggingface_hub")  # whose classes' own attributes are no settings


def describe(value: object, depth: int = 0) -> Any:
    """An object as JSON can hold it: its class, what it was constructed with, and its plain public attributes.

    The constructors of all its classes count, and so do attributes of the classes. It is the same in every process:
    tensors are told by a checksum, modules by the shapes of their weights, functions by their names. Nothing random
    and no address is in it; what cannot be told is told by its class alone.
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
    if isinstance(value, partial):
        keywords = {key: describe(own, depth + 1) for key, own in value.keywords.items()}
        return {"function": _name(value.func), **keywords}
    if isinstance(value, Mapping):
        return {str(key): describe(own, depth + 1) for key, own in value.items()} if depth < DEEPEST else len(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [describe(own, depth + 1) for own in _ordered(value)] if depth < DEEPEST else len(value)
    if inspect.isroutine(value) or inspect.isclass(value):
        return _name(value)
    told: dict[str, Any] = {"class": type(value).__name__}
    if isinstance(value, torch.optim.Optimizer):
        groups = [{name: own for name, own in group.items() if name != "params"} for group in value.param_groups]
        return {**told, "groups": describe(groups, depth + 1)}
    checksum = getattr(value, "sha256", None)  # of data, which may be large: asked for once
    if isinstance(checksum, str):
        return {**told, "sha256": checksum}
    if isinstance(value, nn.Module):
        told["weights"] = _shapes(value)
    if depth >= DEEPEST:
        return told
    return {**told, **{name: describe(own, depth + 1) for name, own in _settings(value).items()}}


def require_same(folder: Path, now: Mapping[str, Any], then: Mapping[str, Any], within: str = "") -> None:
    """Refuse to go on with a run that was made otherwise.

    Args:
        folder: of the run, for the sentence.
        now: what is asked for.
        then: what its `config.json` holds.
        within: what both are part of.

    Raises:
        ValueError: if something differs; the first such thing is named.
    """
    for name, value in now.items():
        before, full = then.get(name), f"{within}{name}"
        if name == "environment":
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            require_same(folder, value, before, f"{full}." if name not in ("settings", "game") else "")
        elif before != value and _is_checksum(before) and _is_checksum(value):
            raise ValueError(
                f"{folder} was run with other values in {full}: the data differ by their checksums; resume it "
                "with the data it was made with, or choose another out=."
            )
        elif before != value:
            raise ValueError(
                f"{folder} was run with {full}={before!r}, not {value!r}; resume it with the settings it was "
                "made with, or choose another out=."
            )


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


def _is_checksum(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _ordered(values: Any) -> Sequence[Any]:
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _shapes(module: nn.Module) -> str:
    shapes = [(name, tuple(part.shape)) for name, part in module.state_dict().items()]
    count = sum(part.numel() for part in module.parameters())
    return f"{count} in {fingerprint([], repr(shapes))[:16]}"
