"""Games of two numbers that the literature states by a formula."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from minimax_l2l import Box, Product, Tree, leaves
from minimax_l2l.errors import require_finite, require_function, require_positive, told
from tasks.games.game import Game, require_all_positive, require_kinds, require_shaped
from tasks.games.kinds import MINIMAX, Kind

Formula = Callable[[Tensor, Tensor], Tensor]
Parts = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Points = Sequence[tuple[float, float]]


class PlanarGame(Game):
    """min over x of max over y of f(x, y) for two numbers: n games that differ in where play starts.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        formula: f, of two tensors of shape (n,), which returns one of shape (n,).
        points: where the field is zero, as pairs (x, y).
        box: how far x and y may be from zero; None is any distance.

    Raises:
        TypeError: if the formula is no function or the points are no pairs of numbers.
        ValueError: if the start has another shape, there are no points, the box is not positive, or a point lies
            outside of it; and when the game is played, if the formula returns something else.
    """

    def __init__(
        self, start: tuple[Tensor, Tensor], formula: Formula, points: Points, *, box: float | None = None
    ) -> None:
        super().__init__(start)
        _require_numbers(start)
        self.formula = require_function("formula", formula, "(x, y)", "pass one such as lambda x, y: x * y")
        self.points = _pairs(points)
        self.box = None if box is None else require_positive("box", box)
        if self.box is not None:
            self.constraint = Product(Box(-self.box, self.box), Box(-self.box, self.box))
            _require_within(self.box, self.points, start[0].dtype)

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = (leaf[:, 0].clone() for leaf in leaves(y))  # a formula that works in place moves no player
        return _require_values("formula", self.formula(x, other), like=leaves(y)[0])

    def stationary(self) -> Tensor:
        """The given points, the same for each game: shape (n, s, 2)."""
        return self.start[0].new_tensor(self.points).expand(len(self.start[0]), -1, -1)


class SeesawGame(Game):
    """f(x, y) = -b y sin(a pi x): n games whose solutions are y = 0 and x = k / a for every whole number k.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        a: how dense the solutions are, positive, shape (n,).
        b: strengths, positive, shape (n,).

    Raises:
        TypeError: if one is no tensor.
        ValueError: if one has another shape or dtype, or is not positive.

    Source: Shen et al., "Learning a minimax optimizer: a pilot study", 2021.
    """

    def __init__(self, start: tuple[Tensor, Tensor], a: Tensor, b: Tensor) -> None:
        super().__init__(start)
        x, _ = _require_numbers(start)
        self.a = require_all_positive("a", require_shaped("a", a, x, len(x)))
        self.b = require_all_positive("b", require_shaped("b", b, x, len(x)))

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        x, other = leaves(y)
        return -self.b * other[:, 0] * torch.sin(torch.pi * self.a * x[:, 0])

    def stationary(self) -> Tensor:
        """The solution nearest to the start and the two beside it, shape (n, 3, 2); all others are like these."""
        beside = (self.a * self.start[0][:, 0]).round()[:, None] + self.a.new_tensor([0.0, -1.0, 1.0])
        return torch.stack([beside / self.a[:, None], torch.zeros_like(beside)], dim=2)

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """Distance to the nearest of all solutions, shape (n,). They are Nash equilibria; no other kind counts."""
        x, y = self.point(pair).unbind(1)
        away = torch.hypot(x - (self.a * x).round() / self.a, y)
        return away if Kind.NASH in require_kinds(kinds) else torch.full_like(away, torch.inf)


class FieldGame(PlanarGame):
    """A game whose field F is given and is no one function's: each player has a loss of its own.

    The objective is zero everywhere, so its value says nothing and `minimax_l2l.testing.check_problem` refuses it.
    What it hands on to gradients, and to their derivatives, is the field. `kinds` are told by each player's own
    derivatives.

    Args:
        start: the pair where play starts, two tensors of shape (n, 1).
        parts: F, of two tensors of shape (n,): its two parts, of that shape. Gradient play moves along -F.
        points: where F is zero, as pairs (x, y).
        box: how far x and y may be from zero; None is any distance.

    Raises:
        TypeError: if the parts are no function or the points are no pairs of numbers.
        ValueError: if the start has another shape, there are no points, the box is not positive, or a point lies
            outside of it; and when the game is played, if the parts are no two tensors of shape (n,).
    """

    def __init__(
        self, start: tuple[Tensor, Tensor], parts: Parts, points: Points, *, box: float | None = None
    ) -> None:
        super().__init__(start, self._given, points, box=box)
        self.parts = require_function("parts", parts, "(x, y)", "pass one such as lambda x, y: (y, -x)")

    def _given(self, x: Tensor, y: Tensor) -> Tensor:
        parts = self.parts(x, y)
        if not isinstance(parts, list | tuple) or len(parts) != 2:
            raise ValueError(f"parts must return two tensors, got {told(parts)}; return a pair such as (y, -x).")
        down, against = (_require_values("each of parts", part, like=x) for part in parts)
        value: Tensor = _Given.apply(x, y, down, -against)
        return value


class _Given(torch.autograd.Function):
    """Zeros with given gradients, which keep their own graphs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, by_x: Tensor, by_y: Tensor) -> Tensor:  # noqa: ARG004
        ctx.save_for_backward(by_x, by_y)
        return torch.zeros_like(x)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_x, by_y = ctx.saved_tensors
        return above[0] * by_x, above[0] * by_y, None, None


def _require_numbers(start: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Two players who move one number each."""
    shapes = [tuple(leaf.shape) for leaf in start]
    if any(shape[1] != 1 for shape in shapes):
        raise ValueError(
            f"start must be two tensors of shape (n, 1), got shapes {shapes}; give each player one number."
        )
    return start


def _require_values(name: str, values: object, like: Tensor) -> Tensor:
    """What a function of the user's returned, if it is one number for each game."""
    shape = (len(like),)
    if isinstance(values, Tensor) and tuple(values.shape) == shape and values.is_floating_point():
        return values
    got = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, Tensor) else told(values)
    raise ValueError(
        f"{name} must return one number for each game, floating point of shape {shape}, got {got}; compute it from "
        "the given tensors entry by entry."
    )


def _require_within(box: float, points: Points, dtype: torch.dtype) -> None:
    if box > torch.finfo(dtype).max:
        raise ValueError(f"box must be a number that {dtype} can hold, got {box}; pass box=None for any distance.")
    for point in points:
        if max(map(abs, point)) > box:
            raise ValueError(f"points must lie in the box, at most {box} from zero, got {point}; leave it out.")


def _pairs(points: Points) -> tuple[tuple[float, float], ...]:
    advice = "pass pairs such as [(0.0, 0.0)]"
    if not isinstance(points, list | tuple) or any(not isinstance(point, list | tuple) for point in points):
        raise TypeError(f"points must be a list of pairs of numbers, got {told(points)}; {advice}.")
    if not points or any(len(point) != 2 for point in points):
        raise ValueError(f"points must be one pair (x, y) or more, got {told(points)}; {advice}.")
    return tuple((require_finite("x of points", x), require_finite("y of points", y)) for x, y in points)
