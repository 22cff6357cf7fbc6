"""Ratio games on simplices: the constrained ones, whose value a stochastic game has after one step."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from minimax_l2l import Product, Simplex, Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import Kind

ROUNDING = 1e-6
HALVINGS = 60  # of the interval that holds the value, which is then known to rounding


class RatioGame(Game):
    """f(x, y) = x'Ry / x'Sy on two simplices of two strategies each, n games.

    The value v is the number for which the matrix game R - v S is worth zero, and its strategies solve the ratio
    game: f <= v for all y at the solution's x, and f >= v for all x at its y.

    Args:
        start: the pair where play starts, two tensors of shape (n, 2) on the simplex.
        r: R, shape (2, 2).
        s: S, shape (2, 2), with x'Sy > 0.

    Source: Daskalakis, Foster and Golowich, "Independent policy gradient methods", 2020.
    """

    def __init__(self, start: tuple[Tensor, Tensor], r: Tensor, s: Tensor) -> None:
        super().__init__(start)
        if tuple(r.shape) != (2, 2) or tuple(s.shape) != (2, 2) or not bool((s > 0).all()):
            raise ValueError(f"r and s must be 2 x 2 matrices, s with positive entries, got {r} and {s}.")
        self.r, self.s = r, s
        self.constraint = Product(Simplex(), Simplex())

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        above, below = (torch.einsum("ni,ij,nj->n", x, matrix, other) for matrix in (self.r, self.s))
        return above / below

    def stationary(self) -> Tensor:
        """The one solution, shape (n, 1, 4); at a corner the field need not be zero."""
        low, high = (self.r / self.s).min(), (self.r / self.s).max()
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            value = _solved(self.r - middle * self.s)[0]
            low, high = torch.where(value > 0, middle, low), torch.where(value > 0, high, middle)
        _, x, y = _solved(self.r - (low + high) / 2 * self.s)
        return torch.cat([x, y]).expand(len(self.start[0]), 1, -1)


    @cached_property
    def kinds(self) -> Tensor:
        """Nash where neither player gains by any strategy: a ratio of linear functions is extreme at a corner."""
        x, y = self.pair(self.stationary()[0])
        value = (x @ self.r @ y.T) / (x @ self.s @ y.T)
        kept = ((x @ self.r) / (x @ self.s) <= value + ROUNDING).all()
        kept &= ((self.r @ y.T) / (self.s @ y.T) >= value - ROUNDING).all()
        return torch.where(kept, Kind.NASH, Kind.SPURIOUS).expand(len(self.start[0]), 1)


def _solved(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value and strategies of the 2 x 2 game x'My: a saddle in pure strategies, or the mixed one."""
    best = matrix.amax(1)  # what y makes of each x
    worst = matrix.amin(0)
    if best.min() <= worst.max():
        pure = torch.eye(2).to(matrix)
        return best.min(), pure[best.argmin()], pure[worst.argmax()]
    (a, b), (c, d) = matrix
    total = a - b - c + d
    x, y = (d - c) / total, (d - b) / total
    return (a * d - b * c) / total, torch.stack([x, 1 - x]), torch.stack([y, 1 - y])
