"""Games of two numbers that the literature states by a formula."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from minimax_l2l import Box, Product, Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, Kind

Formula = Callable[[Tensor, Tensor], Tensor]
Field = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class PlanarGame(Game):
    """min over x of max over y of f(x, y) for two numbers, n games that differ in where play starts.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        formula: f, of two tensors of shape (n,).
        points: where the field is zero, as pairs (x, y).
        box: how far x and y may be from zero; None is any distance.
    """

    def __init__(
        self,
        start: tuple[Tensor, Tensor],
        formula: Formula,
        points: Sequence[tuple[float, float]],
        *,
        box: float | None = None,
    ) -> None:
        super().__init__(start)
        self.formula, self.points, self.box = formula, tuple(points), box
        if box is not None:
            self.constraint = Product(Box(-box, box), Box(-box, box))

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        return self.formula(x[:, 0], other[:, 0])

    def stationary(self) -> Tensor:
        """The given points, the same for each game: shape (n, s, 2)."""
        return self.start[0].new_tensor(self.points).expand(len(self.start[0]), -1, -1)


class SeesawGame(Game):
    """f(x, y) = -b y sin(a pi x), whose solutions are y = 0 and x = k / a for every whole number k.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        a: how dense the solutions are, shape (n,).
        b: strengths, shape (n,).

    Source: Shen et al., "Learning a minimax optimizer: a pilot study", 2021.
    """

    def __init__(self, start: tuple[Tensor, Tensor], a: Tensor, b: Tensor) -> None:
        super().__init__(start)
        self.a, self.b = a, b

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        return -self.b * other[:, 0] * torch.sin(torch.pi * self.a * x[:, 0])

    def stationary(self) -> Tensor:
        """The solutions nearest to the start and beside that, shape (n, 3, 2); all others are like these."""
        beside = (self.a * self.start[0][:, 0]).round()[:, None] + self.a.new_tensor([0.0, -1.0, 1.0])
        return torch.stack([beside / self.a[:, None], torch.zeros_like(beside)], dim=2)

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """Distance to the nearest solution; all of them are Nash equilibria."""
        x, y = (leaf[:, 0] for leaf in leaves(pair))
        away = torch.hypot(x - (self.a * x).round() / self.a, y)
        return away if Kind.NASH in kinds else torch.full_like(away, torch.inf)


class FieldGame(Game):
    """A game of which the field F is given, and is no single function's: each player has a loss of its own.

    The objective is zero everywhere. What it hands on to gradients, and to their derivatives, is the field.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        field: F, of two tensors of shape (n,): the pair of its parts. Gradient play moves along -F.
        points: where F is zero, as pairs (x, y).
        box: how far x and y may be from zero; None is any distance.
    """

    def __init__(
        self,
        start: tuple[Tensor, Tensor],
        field: Field,
        points: Sequence[tuple[float, float]],
        *,
        box: float | None = None,
    ) -> None:
        super().__init__(start)
        self.parts, self.points, self.box = field, tuple(points), box
        if box is not None:
            self.constraint = Product(Box(-box, box), Box(-box, box))

    def objective(self, y: Tree) -> Tensor:
        """Zeros, shape (n,), whose gradients are the field's parts, each in its player's direction."""
        x, other = leaves(y)
        down, against = self.parts(x[:, 0], other[:, 0])
        value: Tensor = _Given.apply(x, other, down[:, None], -against[:, None])  # type: ignore[no-untyped-call]
        return value

    def stationary(self) -> Tensor:
        """The given points, the same for each game: shape (n, s, 2)."""
        return self.start[0].new_tensor(self.points).expand(len(self.start[0]), -1, -1)


class _Given(torch.autograd.Function):
    """Zeros with given gradients, which keep their own graphs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, by_x: Tensor, by_y: Tensor) -> Tensor:  # noqa: ARG004
        ctx.save_for_backward(by_x, by_y)
        return x.new_zeros(len(x))

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_x, by_y = ctx.saved_tensors
        return above[0][:, None] * by_x, above[0][:, None] * by_y, None, None
