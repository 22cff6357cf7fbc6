"""Games to practise on: none of the suite's, though quadratic games of few numbers are of its simplest form."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from minimax_l2l import Tree, leaves
from tasks.games.families.quadratic import QuadraticGame
from tasks.games.family import GameFamily
from tasks.games.game import Game
from tasks.games.suite import uniform

OURS = "made for practice"
LARGEST = 4  # numbers of a player


def normal(generator: Generator, *shape: int) -> Tensor:
    """Normal numbers in double precision."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def all_around(generator: Generator, count: int, dx: int, dy: int) -> tuple[Tensor, Tensor]:
    """Starts in every direction from the origin, 0.1 to 3 away."""
    point = normal(generator, count, dx + dy)
    point = point / torch.linalg.vector_norm(point, dim=1, keepdim=True) * uniform(generator, 0.1, 3, count, 1)
    return point[:, :dx], point[:, dx:]


def _quadratic(count: int, generator: Generator) -> Game:
    """Bilinear games, saddles, and quadratics whose origin nobody wants, of one to four numbers for each player."""
    dx, dy = (int(torch.randint(1, LARGEST + 1, (), generator=generator)) for _ in range(2))
    strength = uniform(generator, -1, 1, count, 1, 1).exp()
    is_odd = bool(torch.rand((), generator=generator) < 0.3)
    p, q = (strength * _symmetric(generator, count, size, -1.0 if is_odd else 0.0) for size in (dx, dy))
    a = strength * normal(generator, count, dx, dy) / math.sqrt(max(dx, dy))
    return QuadraticGame(all_around(generator, count, dx, dy), a, p=p, q=q)


def _symmetric(generator: Generator, count: int, size: int, low: float) -> Tensor:
    """Symmetric matrices with eigenvalues from a range up to 1.5; two in five are zero."""
    rotation, _ = torch.linalg.qr(normal(generator, count, size, size))
    matrix: Tensor = rotation @ (uniform(generator, low, 1.5, count, size)[:, :, None] * rotation.mT)
    return matrix * (uniform(generator, 0, 1, count, 1, 1) < 0.6)


class DipGame(Game):
    """f(x, y) = a d(x; w) d(y; w), d(t; w) = t / (1 + t^2 / w^2): n games that are bilinear near the origin alone.

    The field is zero at the origin, a Nash equilibrium, and at (+-w, +-w), where d is as large as it gets.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        a: strengths, shape (n,).
        w: widths, shape (n,).
    """

    def __init__(self, start: tuple[Tensor, Tensor], a: Tensor, w: Tensor) -> None:
        super().__init__(start)
        self.a, self.w = a, w

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = (leaf[:, 0] for leaf in leaves(y))
        return self.a * self._dip(x) * self._dip(other)

    def stationary(self) -> Tensor:
        """Five points, shape (n, 5, 2)."""
        corners = self.w.new_tensor([[0, 0], [1, 1], [1, -1], [-1, 1], [-1, -1]])
        return self.w[:, None, None] * corners

    def _dip(self, t: Tensor) -> Tensor:
        return t / (1 + (t / self.w).square())


class TurningGame(Game):
    """f(x, y) = sum_i h(x_i) - sum_i h(y_i) + x'Ay, h(t) = k r^2 (ln(1 + t^2 / r^2) - t^2 / (2 r^2)): n games.

    A is s times a rotation. h bends by k near the origin and by -k far away, so with k > 0 players are driven in
    near the origin and out far from it. As long as |k| < s the field is zero at the origin alone, which is a Nash
    equilibrium if k is not negative, and spurious if it is.

    Args:
        start: the pair where play starts, two tensors of shape (n, d).
        a: A, shape (n, d, d).
        k: shape (n,).
        r: shape (n,).
    """

    def __init__(self, start: tuple[Tensor, Tensor], a: Tensor, k: Tensor, r: Tensor) -> None:
        super().__init__(start)
        self.a, self.k, self.r = a, k, r

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        return self._bend(x) - self._bend(other) + torch.einsum("ni,nij,nj->n", x, self.a, other)

    def stationary(self) -> Tensor:
        """The origin, shape (n, 1, 2 d)."""
        return torch.zeros_like(torch.cat(self.start, dim=1))[:, None]

    def _bend(self, t: Tensor) -> Tensor:
        square = (t / self.r[:, None]).square()
        return self.k * self.r.square() * (torch.log1p(square) - square / 2).sum(1)


def _turning(count: int, generator: Generator) -> Game:
    size = int(torch.randint(1, LARGEST + 1, (), generator=generator))
    rotation, _ = torch.linalg.qr(normal(generator, count, size, size))
    strength = uniform(generator, -1, 1, count).exp()
    bend = strength * uniform(generator, -0.4, 0.9, count)
    return TurningGame(
        all_around(generator, count, size, size),
        strength[:, None, None] * rotation,
        bend,
        uniform(generator, 0.3, 3, count),
    )


class WellGame(Game):
    """f(x, y) = a x^2 / 2 + b x y - V(y), V(t) = c_2 t^2 / 2 + c_3 t^3 / 3 + c_4 t^4 / 4: n games.

    The field is zero at the origin, and with x = -b y / a at the roots of c_4 y^2 + c_3 y + c_2 + b^2 / a. Where
    V bends upwards such a point is a Nash equilibrium; elsewhere y gains by leaving.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        a: positive, shape (n,).
        b: shape (n,).
        c: c_2, c_3 and c_4, the last one positive, shape (n, 3).
    """

    def __init__(self, start: tuple[Tensor, Tensor], a: Tensor, b: Tensor, c: Tensor) -> None:
        super().__init__(start)
        self.a, self.b, self.c = a, b, c

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = (leaf[:, 0] for leaf in leaves(y))
        powers = torch.stack([other.square() / 2, other**3 / 3, other**4 / 4], dim=1)
        return self.a * x.square() / 2 + self.b * x * other - (self.c * powers).sum(1)

    def stationary(self) -> Tensor:
        """Three points, shape (n, 3, 2); the origin in the place of roots that are not real."""
        second, third, fourth = self.c.unbind(1)
        square = third.square() - 4 * fourth * (second + self.b.square() / self.a)
        root = square.clamp_min(0).sqrt()
        beside = [((sign * root - third) / (2 * fourth)).where(square > 0, 0) for sign in (1, -1)]
        y = torch.stack([torch.zeros_like(root), *beside], dim=1)
        return torch.stack([-(self.b / self.a)[:, None] * y, y], dim=2)


def _wells(count: int, generator: Generator) -> Game:
    """Wide starts, and often a point on the way that y leaves."""
    start = uniform(generator, -4, 4, count, 1), uniform(generator, -4, 4, count, 1)
    c = torch.stack([uniform(generator, low, high, count) for low, high in ((-2, 2), (-3, 3), (0.3, 1.5))], dim=1)
    return WellGame(start, uniform(generator, 1, 4, count), uniform(generator, -3, 3, count), c)


def _dips(count: int, generator: Generator) -> Game:
    strength = uniform(generator, -1, 1, count).exp()
    return DipGame(all_around(generator, count, 1, 1), strength, uniform(generator, 1, 4, count))


PRACTICE: Mapping[str, GameFamily] = {
    "quadratics": GameFamily("quadratics", _quadratic, OURS),
    "turning": GameFamily("turning", _turning, OURS, circles=True),
    "wells": GameFamily("wells", _wells, OURS),
    "dips": GameFamily("dips", _dips, OURS, circles=True),
}
