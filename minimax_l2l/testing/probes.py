"""What the contracts look with: seeds, changed instances, slopes, graphs, and what a module looks like."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from minimax_l2l.trees import Tree, choose, instances, leaves, ravel

_Module = TypeVar("_Module", bound=nn.Module)


def require_kind(name: str, value: object, kind: type) -> None:
    """Refuse anything but an object of a kind.

    Raises:
        TypeError: if `value` is something else, such as the class or a function that makes one.
    """
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} must be of type {kind.__name__}, got {_words(value)}; pass the object itself, not what "
            "makes one."
        )


def require_factory(name: str, factory: object, kind: type) -> None:
    """Refuse what cannot be called without arguments to make a fresh object of a kind.

    Raises:
        TypeError: if `factory` is such an object itself, or needs arguments as a class may.
    """
    if callable(factory) and not isinstance(factory, kind):
        with suppress(TypeError):
            inspect.signature(factory).bind()
            return
    raise TypeError(
        f"{name} must be a function without arguments that returns a fresh {kind.__name__}, got {_words(factory)}; "
        "pass `lambda: ...` with what makes it."
    )


def _words(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"an object of type {type(value).__name__}"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from `seed` inside, and go on as if nothing had been drawn outside."""
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        torch.manual_seed(seed)
        yield


def with_instance(tree: Tree, j: int, other: Tree) -> Tree:
    """`tree` with instance j taken from `other`."""
    mask = torch.arange(instances(tree), device=leaves(tree)[0].device) == j
    return choose(mask, other, tree)


def neighbours(count: int) -> tuple[int, ...]:
    """Instances to change when looking for others that move with them: the first and the last."""
    return (0, count - 1) if count > 1 else ()


class Moved(NamedTuple):
    """The instance that moved most, by what share of the largest entry before, and that share in words."""

    instance: int
    share: float
    words: str


def moved_most(before: Tree, after: Tree, *, besides: int) -> Moved:
    """Which instance moved most, one aside; from nothing but zeros every move is an infinite share."""
    distances = (ravel(after) - ravel(before)).detach().abs().reshape(instances(before), -1).amax(1)
    distances[besides] = 0
    instance, distance = int(distances.argmax()), float(distances.max())
    size = float(ravel(before).detach().abs().max())
    if size == 0:
        return Moved(instance, math.inf if distance else 0.0, f"by {distance:.3g}, where all was zero")
    return Moved(instance, distance / size, f"by {distance / size:.3g} of its size")


def same_bits(one: Iterable[Tensor | None], other: Iterable[Tensor | None]) -> bool:
    """Whether two rows of tensors are equal to the bit."""
    return all(
        a is b is None or (a is not None and b is not None and torch.equal(a, b))
        for a, b in zip(one, other, strict=True)
    )


def copies(tensors: Iterable[Tensor | None]) -> list[Tensor | None]:
    """Detached copies, which stay as they are when the originals move."""
    return [None if tensor is None else tensor.detach().clone() for tensor in tensors]


def stirred(module: _Module) -> _Module:
    """A copy of a module with noise on its parameters, since layers that start at zero hide those below them."""
    module = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def graph_leaves(tree: Tree) -> list[Tensor]:
    """The leaf tensors that a backward from `tree` would reach."""
    found: list[Tensor] = [leaf for leaf in leaves(tree) if leaf.requires_grad and leaf.is_leaf]
    seen = set()
    waiting = [leaf.grad_fn for leaf in leaves(tree) if leaf.grad_fn is not None]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            found.append(variable)
        waiting += [below for below, _ in node.next_functions if below is not None]
    return found


def follows(
    change: Callable[[Tensor], Tensor], slope: Tensor, *, size: Tensor, longest: Tensor, factor: float = 2
) -> Tensor:
    """Whether change(t) is t * slope, to a factor, for a small t: entry by entry.

    A t is chosen so that the change stands out from rounding. Where that needs a t above `longest` the function
    is too flat to tell, and is given the benefit of the doubt.

    Args:
        change: change of the function's values along a line, shape (n,) to shape (n,).
        slope: its derivatives at zero, shape (n,).
        size: size of the function's values, from which their rounding follows.
        longest: largest t to try.
        factor: how far from 1 the ratio of the two may be, or one over it.

    Returns:
        Booleans of shape (n,).
    """
    number = torch.finfo(slope.dtype)
    held, told = torch.zeros_like(slope, dtype=torch.bool), torch.zeros_like(slope, dtype=torch.bool)
    for share in (8.0, 1.0, 0.125):
        rise = share * number.eps**0.5 * size.abs().clamp_min(1)
        length = rise / slope.abs().clamp_min(number.tiny)
        usable = length <= longest
        ratio = change(torch.where(usable, length, 0)) * slope.sign() / rise
        held |= usable & (ratio > 1 / factor) & (ratio < factor)
        told |= usable
    return held | ~told


class Footprint:
    """What a gradient query must leave as it found it in a module.

    Args:
        module: to be looked at; None leaves nothing to see.
    """

    def __init__(self, module: nn.Module | None) -> None:
        parts = [] if module is None else list(module.modules())
        weights = [] if module is None else list(module.parameters())
        self._modes = [part.training for part in parts]
        self._flags = [weight.requires_grad for weight in weights]
        self._weights = copies(weights)
        self._gradients = copies(weight.grad for weight in weights)
        self._buffers = copies([] if module is None else module.buffers())

    def differences(self, later: Footprint) -> list[str]:
        """Names of what is not as it was."""
        same = {
            "train/eval modes": self._modes == later._modes,
            "requires_grad flags": self._flags == later._flags,
            "weights": same_bits(self._weights, later._weights),
            ".grad": same_bits(self._gradients, later._gradients),
            "running statistics": same_bits(self._buffers, later._buffers),
        }
        return [name for name, unchanged in same.items() if not unchanged]
