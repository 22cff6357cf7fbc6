"""Quadratic games of any size: bilinear and matrix games, saddles that are solutions and saddles that are not."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, Kind


class QuadraticGame(Game):
    """f(x, y) = x'Px / 2 + x'Ay - y'Qy / 2 + b'x + c'y, n games.

    The field is affine, F(z) = J z + (b, -c) with J = [[P, A], [-A', Q]], so the points where it is zero are one
    point or an affine space of them. f = xy is P = Q = 0, A = 1.

    Args:
        start: the pair where play starts, shapes (n, dx) and (n, dy).
        p: P, symmetric, shape (n, dx, dx); None is zero.
        a: A, shape (n, dx, dy).
        q: Q, symmetric, shape (n, dy, dy); None is zero.
        b: shape (n, dx); None is zero.
        c: shape (n, dy); None is zero.
    """

    def __init__(
        self,
        start: tuple[Tensor, Tensor],
        a: Tensor,
        *,
        p: Tensor | None = None,
        q: Tensor | None = None,
        b: Tensor | None = None,
        c: Tensor | None = None,
    ) -> None:
        super().__init__(start)
        x, y = start
        self.a = _shaped("a", a, x, y)
        self.p = x.new_zeros(1).expand(len(x), x.shape[1], x.shape[1]) if p is None else _shaped("p", p, x, x)
        self.q = y.new_zeros(1).expand(len(y), y.shape[1], y.shape[1]) if q is None else _shaped("q", q, y, y)
        self.b = torch.zeros_like(x) if b is None else _shaped("b", b, x)
        self.c = torch.zeros_like(y) if c is None else _shaped("c", c, y)

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        own = torch.einsum("ni,nij,nj->n", x, self.p, x) - torch.einsum("ni,nij,nj->n", other, self.q, other)
        joint = torch.einsum("ni,nij,nj->n", x, self.a, other)
        return own / 2 + joint + (self.b * x).sum(1) + (self.c * other).sum(1)

    @property
    def jacobian(self) -> Tensor:
        """J, shape (n, dx + dy, dx + dy)."""
        above = torch.cat([self.p, self.a], dim=2)
        return torch.cat([above, torch.cat([-self.a.mT, self.q], dim=2)], dim=1)

    def stationary(self) -> Tensor:
        """The point nearest to the origin at which F is zero, shape (n, 1, dx + dy)."""
        away = torch.cat([self.b, -self.c], dim=1)
        return -torch.einsum("nij,nj->ni", torch.linalg.pinv(self.jacobian), away)[:, None]

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """Distance to the space of points where F is zero; directions in which J does nothing do not count."""
        nearest = self.stationary()[:, 0]
        inverse = torch.linalg.pinv(self.jacobian)
        away = torch.cat(leaves(pair), dim=1) - nearest
        seen = torch.einsum("nij,njk,nk->ni", inverse, self.jacobian, away)
        wanted = torch.stack([self.kinds[:, 0] == kind for kind in kinds]).any(0)
        return torch.linalg.vector_norm(seen, dim=1).masked_fill(~wanted, torch.inf)


def _shaped(name: str, tensor: Tensor, *rows: Tensor) -> Tensor:
    wanted = (len(rows[0]), *(row.shape[1] for row in rows))
    if not isinstance(tensor, Tensor) or tuple(tensor.shape) != wanted:
        got = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise ValueError(f"{name} must be a tensor of shape {wanted}, which the start asks for, got {got}.")
    return tensor
