"""What the contracts look with: seeds, changed instances, slopes, graphs, and what a module looks like."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from minimax_l2l.constraints.base import Constraint
from minimax_l2l.passes import Passes
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, choose, detach, forms, instances, leaves, ravel

_Module = TypeVar("_Module", bound=nn.Module)


def require_kind(name: str, value: object, kind: type) -> None:
    """Raise a TypeError for anything but an object of a kind, such as the class or a function that makes one."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} must be of type {kind.__name__}, got {_words(value)}; pass the object itself, not what "
            "makes one."
        )


def require_factory(name: str, factory: object, kind: type) -> None:
    """Raise a TypeError for what cannot be called without arguments, or is itself an object of the kind to make."""
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


def moved_along(
    tree: Tree, other: Tree, play: Callable[[Tree], Sequence[Tree]], tolerance: float
) -> Iterator[tuple[int, int, Moved]]:
    """Instances that move although another one was changed, the first or the last.

    Yields:
        The instance that was taken from `other`, the place of what moved with it among what `play` returns, and how
        it moved.
    """
    count, before = instances(tree), play(tree)
    for j in (0, count - 1) if count > 1 else ():
        mask = torch.arange(count, device=leaves(tree)[0].device) == j
        for which, (was, now) in enumerate(zip(before, play(choose(mask, other, tree)), strict=True)):
            moved = moved_most(was, now, besides=j)
            if not moved.share <= tolerance:
                yield j, which, moved


def unlike(have: Tree, want: Tree) -> Iterator[str]:
    """What is wrong with the shape, dtype and device of the leaves of a tree that should be like another."""
    for got, wanted in zip(forms(have), forms(want), strict=True):
        if got != wanted:
            yield f"it has {got} instead of {wanted}"


def excess(constraint: Constraint, y: Tree) -> float:
    """The largest violation, relative to the largest entry where that is above one."""
    y = detach(y)
    return float((constraint.violation(y) / ravel(y).abs().max().clamp_min(1)).max())


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


def gradients(value: Tensor, module: nn.Module) -> dict[str, Tensor | None]:
    """The gradient of a number for each weight of a module that learns, by name; None where no path leads to it."""
    weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    if not weights or not value.requires_grad:
        return dict.fromkeys(weights)
    return dict(zip(weights, torch.autograd.grad(value, list(weights.values()), allow_unused=True), strict=True))


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
        change: change of n values along a line.
        slope: its derivatives at zero.
        size: of the n values, from which their rounding follows.
        longest: largest t to try.
        factor: how far from 1 the ratio of the two may be, or one over it.
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


@contextmanager
def passes_made(problem: InnerProblem) -> Iterator[Passes]:
    """Count passes beside the problem's meter: those of theta's module, and objectives that do not run it."""
    made, count, objective = Passes(), instances(problem.initial()), problem.objective

    def seen(share: float, returned: object) -> None:
        made.add(forward=share)
        for part in tree_leaves(returned):
            if isinstance(part, Tensor) and part.requires_grad:
                part.register_hook(lambda _: made.add(input_gradient=share))  # type: ignore[no-untyped-call]

    def ran(_: nn.Module, given: tuple[object, ...], returned: object) -> None:
        samples = [len(part) for part in tree_leaves(given) if isinstance(part, Tensor) and part.dim()]
        seen(samples[0] / count if samples else 1.0, returned)

    def evaluated(y: Tree) -> Tensor:
        before, values = made.forward, objective(y)
        if made.forward == before:
            seen(1.0, values)
        return values

    one_sweep = problem.meter.one_sweep

    @contextmanager
    def multiplied() -> Iterator[None]:
        before = made.input_gradient
        with one_sweep():
            yield
        made.input_gradient = before + 1

    vars(problem.meter)["one_sweep"] = multiplied  # a product is one pass, whatever is swept for it
    vars(problem)["objective"] = evaluated  # an attribute of this one problem shadows its method
    with problem.module.register_forward_hook(ran) if problem.module is not None else nullcontext():
        yield made


def footprint(module: nn.Module) -> dict[str, list[Tensor | None]]:
    """What a gradient query must leave as it found it in a module, by name."""
    weights = list(module.parameters())
    return {
        "train/eval modes": [torch.tensor([part.training for part in module.modules()])],
        "requires_grad flags": [torch.tensor([weight.requires_grad for weight in weights])],
        "weights": copies(weights),
        ".grad": copies(weight.grad for weight in weights),
        "running statistics": copies(module.buffers()),
    }
