"""Games of two players, many at a time, and what is known of where they should end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from minimax_l2l import InnerProblem, Tree, leaves
from minimax_l2l.errors import require_a
from minimax_l2l.oracle import require_objective
from minimax_l2l.trees import require_inner
from tasks.games.kinds import MINIMAX, Kind, classify


class Game(InnerProblem):
    """min over x of max over y of f(x, y): n independent games.

    The inner variable is the pair (x, y); x descends and y ascends. The field is F = (grad_x f, -grad_y f), and
    gradient play moves along -F. A subclass says what f is (`objective`) and where the field is zero
    (`stationary`). Which of these points are worth finding is not told but worked out, see `Kind`.

    Args:
        start: where the pair starts, two tensors of shapes (n, dx) and (n, dy).

    Raises:
        TypeError: if the start is no pair of tensors.
        ValueError: if it has other shapes, or holds something else than finite floating-point numbers of one dtype
            on one device.
    """

    signs = (-1.0, 1.0)

    def __init__(self, start: tuple[Tensor, Tensor]) -> None:
        advice = "pass two tensors of shapes (n, dx) and (n, dy), x[:, None] for one number each"
        for leaf in require_a("start", start, tuple, "a pair of tensors", advice):
            require_a("each of start", leaf, Tensor, "a tensor", advice)
        shapes = [tuple(leaf.shape) for leaf in start]
        if len(shapes) != 2 or any(len(shape) != 2 for shape in shapes) or shapes[0][0] != shapes[1][0]:
            raise ValueError(
                f"n games have a start of two tensors with n rows each, got shapes {shapes}; {advice}."
            )
        try:
            require_inner(start)
        except ValueError as error:
            raise ValueError(f"start cannot be played from: {error}") from None
        if any(leaf.is_cpu and not bool(leaf.isfinite().all()) for leaf in start):  # a look elsewhere waits
            raise ValueError("start must be finite everywhere, got NaN or infinity in it; pass finite numbers.")
        self.start = start

    def initial(self) -> Tree:
        """The given start."""
        return self.start

    def stationary(self) -> Tensor:
        """Points where the field is zero, all that are known: shape (n, s, dx + dy)."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its field is zero; add stationary().")

    @cached_property
    def kinds(self) -> Tensor:
        """The `Kind` of each stationary point, shape (n, s)."""
        return torch.stack([classify(self, self.pair(points)) for points in self.candidates.unbind(1)], dim=1)

    @property
    def candidates(self) -> Tensor:
        """What `stationary` returns, checked.

        Raises:
            TypeError: if it is no tensor.
            ValueError: if it has another shape.
        """
        count, width = len(self.start[0]), sum(leaf.shape[1] for leaf in self.start)
        advice = f"return one of shape ({count}, s, {width}): of each game s points, x and y one after the other"
        points = require_a("what stationary() returns", self.stationary(), Tensor, "a tensor", advice)
        if points.dim() != 3 or (len(points), points.shape[2]) != (count, width) or not points.shape[1]:
            raise ValueError(f"stationary() returns a tensor of shape {tuple(points.shape)}; {advice}.")
        return points

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """Euclidean distance to the nearest stationary point of some kinds, shape (n,); infinite if there is none.

        Args:
            pair: (x, y), shapes (n, dx) and (n, dy).
            kinds: those that count; the minimax points unless told.

        Raises:
            TypeError: if the pair is no pair of tensors, or the kinds are no collection of `Kind`.
            ValueError: if the pair has other shapes.
        """
        away = self.point(pair)[:, None] - self.candidates
        lengths: Tensor = torch.linalg.vector_norm(away, dim=2)
        return lengths.masked_fill(~self._are(kinds), torch.inf).amin(1)

    def field(self, pair: Tree) -> Tensor:
        """F(x, y), shape (n, dx + dy), with its graph. It is for whoever judges a game, and is not counted."""
        with torch.enable_grad():
            x, y = (leaf if leaf.requires_grad else leaf.detach().requires_grad_() for leaf in leaves(pair))
            total = require_objective(self.objective((x, y)), len(x)).sum()
            down, up = torch.autograd.grad(total, (x, y), create_graph=True, materialize_grads=True)
        return torch.cat([down, -up], dim=1)

    def point(self, pair: Tree) -> Tensor:
        """A pair (x, y) as points of shape (n, dx + dy).

        Raises:
            TypeError: if it is no pair of tensors.
            ValueError: if it has other shapes than the start.
        """
        x, y = self.start
        advice = f"pass (x, y) of shapes {tuple(x.shape)} and {tuple(y.shape)}, as maximize(game).y is"
        for leaf in require_a("pair", pair, tuple, "a pair of tensors", advice):
            require_a("each of pair", leaf, Tensor, "a tensor", advice)
        if [leaf.shape for leaf in pair] != [x.shape, y.shape]:
            raise ValueError(
                f"pair must have the start's shapes, got {[tuple(leaf.shape) for leaf in pair]}; {advice}."
            )
        return torch.cat(leaves(pair), dim=1)

    def pair(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Points of shape (n, dx + dy) as a pair."""
        width = self.start[0].shape[1]
        return points[:, :width], points[:, width:]

    def to(self, device: torch.device | str) -> Self:
        """The same games on a device."""
        return self.with_tensors(lambda tensor: tensor.to(device))

    def with_tensors(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same games with each of their tensors, the start's included, replaced by what a function returns."""
        other = copy(self)
        for name, own in vars(self).items():
            if isinstance(own, Tensor):
                setattr(other, name, change(own))
        other.start = change(self.start[0]), change(self.start[1])
        return other

    def _are(self, kinds: Collection[Kind]) -> Tensor:
        """Whether a stationary point is of some kinds, shape (n, s)."""
        return torch.isin(self.kinds, self.kinds.new_tensor([int(kind) for kind in require_kinds(kinds)]))


def require_kinds(kinds: Collection[Kind]) -> Collection[Kind]:
    """Kinds of points that count.

    Raises:
        TypeError: if they are no collection, or hold something else.
    """
    advice = "pass (Kind.NASH,), say"
    for kind in require_a("kinds", kinds, Collection, "a collection of kinds", advice):
        require_a("each of kinds", kind, Kind, "a Kind", advice)
    return kinds


def require_shaped(name: str, value: Tensor, like: Tensor, *shape: int) -> Tensor:
    """A tensor of a game's numbers: of the given shape, and of the dtype and on the device of the start.

    Raises:
        TypeError: if it is no tensor.
        ValueError: if it has another shape, dtype, device or layout, or numbers that are not finite.
    """
    advice = f"pass one of shape {shape} and {like.dtype}"
    require_a(name, value, Tensor, "a tensor", advice)
    if tuple(value.shape) != shape or _make(value) != _make(like):
        raise ValueError(
            f"{name} must have shape {shape} and the start's {_make(like)}, got shape {tuple(value.shape)} and "
            f"{_make(value)}; {advice}."
        )
    if value.is_cpu and not bool(value.isfinite().all()):  # a look elsewhere waits
        raise ValueError(f"{name} must be finite everywhere, got NaN or infinity in it; pass finite numbers.")
    return value


def _make(tensor: Tensor) -> str:
    """How a tensor is stored, in words."""
    dense = "" if tensor.layout is torch.strided else f" with layout {tensor.layout}"
    return f"{tensor.dtype} on {tensor.device}{dense}"


def require_all_positive(name: str, value: Tensor) -> Tensor:
    """A tensor of finite numbers above zero; else a ValueError."""
    right = (value > 0) & value.isfinite()
    if not bool(right.all()):
        raise ValueError(
            f"{name} must be finite and above 0 everywhere, got {float(value[~right][0])} in it; pass positive "
            "numbers."
        )
    return value
