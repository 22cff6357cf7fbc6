"""Quadratic games of any size: bilinear and matrix games, saddles that are solutions and saddles that are not."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from tasks.games.game import Game, require_shaped
from tasks.games.kinds import MINIMAX, Kind


class QuadraticGame(Game):
    """f(x, y) = x'Px / 2 + x'Ay - y'Qy / 2 + b'x + c'y: n games.

    The field is affine, F(z) = J z + (b, -c) with J = [[P, A], [-A', Q]], so the points where it is zero are one
    point or an affine space of them. f = xy is P = Q = 0, A = 1.

    Args:
        start: the pair where play starts, shapes (n, dx) and (n, dy).
        a: A, shape (n, dx, dy).
        p: P, symmetric, shape (n, dx, dx); None is zero.
        q: Q, symmetric, shape (n, dy, dy); None is zero.
        b: shape (n, dx); None is zero.
        c: shape (n, dy); None is zero.

    Raises:
        TypeError: if one is no tensor.
        ValueError: if one has another shape or dtype, or P or Q is not symmetric.
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
        (n, dx), (_, dy) = (leaf.shape for leaf in start)
        x = start[0]
        self.a = require_shaped("a", a, x, n, dx, dy)
        self.p = x.new_zeros(n, dx, dx) if p is None else _symmetric("p", require_shaped("p", p, x, n, dx, dx))
        self.q = x.new_zeros(n, dy, dy) if q is None else _symmetric("q", require_shaped("q", q, x, n, dy, dy))
        self.b = x.new_zeros(n, dx) if b is None else require_shaped("b", b, x, n, dx)
        self.c = x.new_zeros(n, dy) if c is None else require_shaped("c", c, x, n, dy)

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        own = torch.einsum("ni,nij,nj->n", x, self.p, x) - torch.einsum("ni,nij,nj->n", other, self.q, other)
        joint = torch.einsum("ni,nij,nj->n", x, self.a, other)
        return own / 2 + joint + (self.b * x).sum(1) + (self.c * other).sum(1)

    @cached_property
    def jacobian(self) -> Tensor:
        """J, shape (n, dx + dy, dx + dy)."""
        above = torch.cat([self.p, self.a], dim=2)
        return torch.cat([above, torch.cat([-self.a.mT, self.q], dim=2)], dim=1)

    @cached_property
    def _inverse(self) -> Tensor:
        """J^+, shape (n, dx + dy, dx + dy)."""
        inverse: Tensor = torch.linalg.pinv(self.jacobian)
        return inverse

    @cached_property
    def _seen(self) -> Tensor:
        """J^+ J, shape (n, dx + dy, dx + dy): what of a direction J does not send to zero."""
        return self._inverse @ self.jacobian

    def stationary(self) -> Tensor:
        """The point nearest to the origin at which F is zero, shape (n, 1, dx + dy); if there is none, NaN."""
        return self._point

    @cached_property
    def _point(self) -> Tensor:
        jacobian, away = self.jacobian, torch.cat([self.b, -self.c], dim=1)
        point = -torch.einsum("nij,nj->ni", self._inverse, away)
        left = torch.linalg.vector_norm(torch.einsum("nij,nj->ni", jacobian, point) + away, dim=1)
        size = torch.linalg.vector_norm(away, dim=1)
        unsolved = left > torch.finfo(left.dtype).eps ** 0.5 * size
        return point.masked_fill(unsolved[:, None], torch.nan)[:, None]

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """Distance to the set of points where F is zero, if these are of some kinds: shape (n,); else infinite.

        Directions in which J does nothing do not count.
        """
        away = self.point(pair) - self.stationary()[:, 0]
        seen = torch.einsum("nij,nj->ni", self._seen, away)
        size: Tensor = torch.linalg.vector_norm(seen, dim=1)
        return size.masked_fill(~self._are(kinds)[:, 0] | size.isnan(), torch.inf)


def _symmetric(name: str, matrix: Tensor) -> Tensor:
    if not torch.allclose(matrix, matrix.mT):
        raise ValueError(f"{name} must be symmetric, which x'Mx / 2 always can be; pass (m + m.mT) / 2.")
    return matrix
