"""Ratio games on simplices: the constrained ones, to which stochastic games of one state come down."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from minimax_l2l import Product, Simplex, Tree, leaves
from tasks.games.game import Game, require_all_positive, require_shaped
from tasks.games.kinds import Kind

ROUNDING = 1e-6
HALVINGS = 60  # of the interval that holds the value, which is then known to rounding


class RatioGame(Game):
    """f(x, y) = x'Ry / x'Sy on two simplices of two strategies each: one game, played from n starts.

    The value v is the number for which the matrix game R - v S is worth zero, and its strategies solve the ratio
    game: f <= v for all y at the solution's x, and f >= v for all x at its y.

    Args:
        start: the pair where play starts, two tensors of shape (n, 2) on the simplex.
        r: R, shape (2, 2).
        s: S, shape (2, 2), with positive entries.

    Raises:
        TypeError: if one is no tensor.
        ValueError: if one has another shape or dtype, or S is not positive.

    Source: Daskalakis, Foster and Golowich, "Independent policy gradient methods for competitive reinforcement
    learning", 2020.
    """

    def __init__(self, start: tuple[Tensor, Tensor], r: Tensor, s: Tensor) -> None:
        super().__init__(start)
        shapes = [tuple(leaf.shape) for leaf in start]
        if any(shape[1] != 2 for shape in shapes):
            raise ValueError(
                f"start must be two tensors of shape (n, 2), got shapes {shapes}; a player mixes two ways."
            )
        self.r = require_shaped("r", r, start[0], 2, 2)
        self.s = require_all_positive("s", require_shaped("s", s, start[0], 2, 2))
        self.constraint = Product(Simplex(), Simplex())

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        above, below = (torch.einsum("ni,ij,nj->n", x, matrix, other) for matrix in (self.r, self.s))
        return above / below

    @cached_property
    def solution(self) -> Tensor:
        """Both players' strategies side by side, shape (4,)."""
        low, high = (self.r / self.s).min(), (self.r / self.s).max()
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            value, _ = _solved(self.r - middle * self.s)
            low, high = torch.where(value > 0, middle, low), torch.where(value > 0, high, middle)
        return _solved(self.r - (low + high) / 2 * self.s)[1]

    def stationary(self) -> Tensor:
        """The solution, shape (n, 1, 4): projected play stays there, though in a corner the field is not zero."""
        return self.solution.expand(len(self.start[0]), 1, -1)

    @cached_property
    def kinds(self) -> Tensor:
        """Nash where neither player gains by any strategy: a ratio of linear functions is extreme in a corner."""
        x, y = self.solution.view(2, 2)
        value = (x @ self.r @ y) / (x @ self.s @ y)
        stays = ((x @ self.r) / (x @ self.s) <= value + ROUNDING).all()
        stays &= ((self.r @ y) / (self.s @ y) >= value - ROUNDING).all()
        return torch.where(stays, Kind.NASH, Kind.SPURIOUS).expand(len(self.start[0]), 1)


def _solved(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Value and strategies, side by side, of the game x'My on simplices: a pure saddle, or the mixed one."""
    best = matrix.amax(1)  # what y makes of each x
    worst = matrix.amin(0)
    if best.min() <= worst.max():
        pure = torch.eye(2).to(matrix)
        return best.min(), torch.cat([pure[best.argmin()], pure[worst.argmax()]])
    (a, b), (c, d) = matrix
    total = a - b - c + d
    x, y = (d - c) / total, (d - b) / total
    return (a * d - b * c) / total, torch.stack([x, 1 - x, y, 1 - y])
