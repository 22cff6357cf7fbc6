"""The published minimax problems, each as a family of random games."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Generator, Tensor

from tasks.games.families import formulas
from tasks.games.families.covariance import CovarianceGame
from tasks.games.families.planar import FieldGame, Formula, PlanarGame, SeesawGame
from tasks.games.families.quadratic import QuadraticGame
from tasks.games.families.ratio import RatioGame
from tasks.games.family import GameFamily
from tasks.games.game import Game

SQRT2 = math.sqrt(2)
TWIN = "Shen et al., 2021 (Twin-L2O)"
CGD = "Schaefer and Anandkumar, 2019 (competitive gradient descent)"
ANDERSON = "He et al., 2022 (GDA-AM)"
RIDGE = "Wang, Zhang and Ba, 2020 (follow the ridge)"
Range = tuple[float, float]
SEESAW: Mapping[str, tuple[Range, Range]] = {
    "seesaw-1": ((0.9, 1.0), (0.9, 1.0)),
    "seesaw-2": ((0.0, 1.0), (0.9, 1.0)),
    "seesaw-3": ((0.0, 3.5), (0.9, 1.0)),
    "seesaw-4": ((0.0, 5.0), (0.9, 1.0)),
    "seesaw-5": ((0.9, 1.0), (0.0, 1.0)),
    "seesaw-6": ((0.0, 5.0), (0.0, 1.0)),
    "seesaw-7": ((0.0, 5.0), (0.0, 2.0)),
}


def uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    """Uniform numbers in double precision."""
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)


def around(generator: Generator, count: int, x: float, y: float, spread: float = 0.5) -> tuple[Tensor, Tensor]:
    """Starts in a square around a point."""
    return (
        uniform(generator, x - spread, x + spread, count, 1),
        uniform(generator, y - spread, y + spread, count, 1),
    )


def _quadratic(
    count: int,
    generator: Generator,
    xx: Range,
    yy: Range,
    xy: float,
    start: tuple[float, float, float] = (0, 0, 0.5),
) -> Game:
    """The games xx x^2 + yy y^2 + xy x y, whose first two coefficients are drawn from ranges."""
    point = around(generator, count, *start)
    own, other = (2 * uniform(generator, *span, count, 1, 1) for span in (xx, yy))
    return QuadraticGame(point, torch.full_like(own, xy), p=own, q=-other)


def _matrix(count: int, generator: Generator, size: int, entries: Callable[[Generator, int, int], Tensor]) -> Game:
    start = (uniform(generator, -0.5, 0.5, count, size), uniform(generator, -0.5, 0.5, count, size))
    return QuadraticGame(start, entries(generator, count, size))


def _positive(generator: Generator, count: int, size: int) -> Tensor:
    return uniform(generator, 0.5, 1, count, size, size)


def _as_filed(generator: Generator, count: int, size: int) -> Tensor:
    kept = torch.rand(count, size, size, generator=generator) < 0.5
    return uniform(generator, 0.5, 1, count, size, size) * kept


def _as_printed(generator: Generator, count: int, size: int) -> Tensor:
    return uniform(generator, -1, 1, count, size, size)


def bilinear(count: int, generator: Generator, size: int, condition: float) -> Game:
    """X'Ay + b'x + c'y with symmetric positive A of a given condition number."""
    normal = torch.randn(count, size, size, generator=generator, dtype=torch.float64)
    rotation, _ = torch.linalg.qr(normal)
    values = torch.linspace(1 / condition, 1, size, dtype=torch.float64)
    b, c = (torch.randn(count, size, generator=generator, dtype=torch.float64) for _ in range(2))
    start = (uniform(generator, 0, 1, count, size), uniform(generator, 0, 1, count, size))
    return QuadraticGame(start, rotation @ (values[:, None] * rotation.mT), b=b, c=c)


def _diagonal(count: int, generator: Generator, size: int) -> Game:
    """X'y / size + b'x + c'y with normal b and c."""
    b, c = (torch.randn(count, size, generator=generator, dtype=torch.float64) / size for _ in range(2))
    start = (torch.zeros(count, size, dtype=torch.float64), torch.zeros(count, size, dtype=torch.float64))
    return QuadraticGame(start, torch.eye(size, dtype=torch.float64).expand(count, -1, -1) / size, b=b, c=c)


def _planar(
    count: int,
    generator: Generator,
    formula: Formula,
    points: tuple[tuple[float, float], ...],
    start: tuple[float, float, float],
    box: float | None = None,
) -> Game:
    return PlanarGame(around(generator, count, *start), formula, points, box=box)


def _seesaw(count: int, generator: Generator, a: Range, b: Range) -> Game:
    start = around(generator, count, 0, 0)
    # A strength or density of zero has no solution to find, so ranges from zero begin a little above.
    return SeesawGame(start, *(uniform(generator, max(low, 0.05), high, count) for low, high in (a, b)))


def _polar(count: int, generator: Generator) -> Game:
    """F = (P(x, y) - y, P(y, x) + x) turns around the origin, with cycles at radius 1/2 and 1 on the way."""

    def part(x: Tensor, y: Tensor) -> Tensor:
        square = x.square() + y.square()
        return x * (square - 1) * (4 * square - 1) / 12

    return FieldGame(
        around(generator, count, -0.8, -0.6, 0.2),
        lambda x, y: (part(x, y) - y, part(y, x) + x),
        ((0.0, 0.0),),
        box=1.1,
    )


def _ratio(count: int, generator: Generator, r: list[list[float]], s: list[list[float]]) -> Game:
    first = torch.rand(2, count, generator=generator, dtype=torch.float64)
    x, y = (torch.stack([share, 1 - share], dim=1) for share in first)
    return RatioGame((x, y), torch.tensor(r, dtype=torch.float64), torch.tensor(s, dtype=torch.float64))


def _covariance(count: int, generator: Generator, size: int) -> Game:
    """A random covariance, and a start beside a root of it."""
    root = torch.randn(count, size, size, generator=generator, dtype=torch.float64) / math.sqrt(size)
    root = root + torch.eye(size, dtype=torch.float64)
    noise = 0.1 * torch.randn(2, count, size, size, generator=generator, dtype=torch.float64)
    return CovarianceGame(((root + noise[0]).flatten(1), noise[1].flatten(1)), root @ root.mT)


FOUR_WELLS = [
    (sign * x, sign * y)
    for x, y in (
        (2.1764929133, 2.2886136268),
        (2.2886136268, -2.1764929133),
        (2.2388683673, -0.1122261092),
        (0.1122261092, 2.2388683673),
    )
    for sign in (1, -1)
]
NEAR_3 = (3.0, 3.0, 0.5)
FUNC4 = ((-2 - SQRT2, 2 + SQRT2), (0.0, 0.0), (-2 + SQRT2, 2 - SQRT2))
_FAMILIES = (
    GameFamily(
        "xy", partial(_quadratic, xx=(0, 0), yy=(0, 0), xy=1.0, start=(1, 0, 0.5)), "the paper", circles=True
    ),
    GameFamily("saddle", partial(_quadratic, xx=(0.9, 1), yy=(-1, -0.9), xy=0.0), TWIN),
    GameFamily("rotated-saddle", partial(_quadratic, xx=(0.9, 1), yy=(-1, -0.9), xy=2.0), TWIN),
    *(GameFamily(name, partial(_seesaw, a=a, b=b), TWIN, circles=True) for name, (a, b) in SEESAW.items()),
    GameFamily("matrix-1", partial(_matrix, size=1, entries=_positive), TWIN, circles=True),
    GameFamily("matrix-5-filed", partial(_matrix, size=5, entries=_as_filed), TWIN, circles=True),
    GameFamily("matrix-5-printed", partial(_matrix, size=5, entries=_as_printed), TWIN, circles=True),
    *(
        GameFamily(
            f"cgd-bilinear-{strength}",
            partial(_quadratic, xx=(0, 0), yy=(0, 0), xy=float(strength), start=(0.5, 0.5, 0.25)),
            CGD,
            circles=True,
        )
        for strength in (3, 6)
    ),
    GameFamily("cgd-saddle", partial(_quadratic, xx=(6, 6), yy=(-6, -6), xy=0.0, start=(0.5, 0.5, 0.25)), CGD),
    GameFamily("swapped-saddle", partial(_quadratic, xx=(-6, -6), yy=(6, 6), xy=0.0, start=(0.5, 0.5, 0.25)), CGD),
    GameFamily("covariance-4", partial(_covariance, size=4), CGD, circles=True),
    GameFamily("ridge-1", partial(_quadratic, xx=(-3, -3), yy=(-1, -1), xy=4.0, start=NEAR_3), RIDGE, circles=True),
    GameFamily("ridge-2", partial(_quadratic, xx=(3, 3), yy=(1, 1), xy=4.0, start=NEAR_3), RIDGE),
    GameFamily(
        "ridge-3",
        partial(
            _planar,
            formula=formulas.func3,
            points=((0.0, 0.0), (8.1012576948, -0.6206619278), (-8.1012576948, 0.6206619278)),
            start=NEAR_3,
        ),
        RIDGE,
        circles=True,
    ),
    GameFamily(
        "func2",
        partial(_planar, formula=formulas.func2, points=((0.4027877704, 0.5972122296),), start=NEAR_3),
        ANDERSON,
        circles=True,
    ),
    GameFamily("func4", partial(_planar, formula=formulas.func4, points=FUNC4, start=NEAR_3), ANDERSON),
    GameFamily(
        "func4-wide", partial(_planar, formula=formulas.func4, points=FUNC4, start=(0.0, 0.0, 5.0)), ANDERSON
    ),
    GameFamily(
        "func5", partial(_planar, formula=formulas.func5, points=((-1.0, 2.5), (3.0, -1.5)), start=NEAR_3), ANDERSON
    ),
    GameFamily(
        "func6",
        partial(_planar, formula=formulas.func6, points=((0.0, 0.0), (-2 / 3, 2 / 3)), start=NEAR_3),
        ANDERSON,
    ),
    GameFamily("bilinear-100", partial(bilinear, size=100, condition=20.0), ANDERSON, circles=True),
    GameFamily("diagonal-100", partial(_diagonal, size=100), "Chavdarova et al., 2021 (lookahead)", circles=True),
    GameFamily(
        "forsaken",
        partial(
            _planar,
            formula=formulas.forsaken,
            points=((0.0780266687, 0.4119338514),),
            start=(0.5, 0.5, 0.5),
            box=10.0,
        ),
        "Hsieh, Mertikopoulos and Cevher, 2021",
        circles=True,
    ),
    GameFamily(
        "global-forsaken",
        partial(_planar, formula=formulas.global_forsaken, points=((0.0, 0.0),), start=(1.0, 1.0, 0.5), box=1.5),
        "Pethick et al., 2022",
        circles=True,
    ),
    GameFamily("polar", _polar, "Pethick et al., 2022", circles=True),
    GameFamily(
        "lower-bound",
        partial(_quadratic, xx=(-0.5, -0.5), yy=(0.5, 0.5), xy=math.sqrt(3), start=(0.5, 0.0, 0.25)),
        "Pethick et al., 2022",
    ),
    GameFamily(
        "ratio-mixed",
        partial(_ratio, r=[[-0.6, -0.3], [0.6, -0.3]], s=[[0.9, 0.5], [0.8, 0.4]]),
        "Daskalakis, Foster and Golowich, 2020",
        circles=True,
    ),
    GameFamily(
        "ratio-corner",
        partial(_ratio, r=[[-1.0, 0.49], [-0.49, 0.0]], s=[[0.5, 0.5], [1.0, 1.0]]),
        "Daskalakis, Foster and Golowich, 2020",
    ),
    GameFamily(
        "two-sided-pl",
        partial(_planar, formula=formulas.two_sided, points=((0.0, 0.0),), start=(0.0, 0.0, 5.0)),
        "Yang, Kiyavash and He, 2020",
    ),
    GameFamily(
        "hidden-pennies",
        partial(_planar, formula=formulas.hidden_pennies, points=((0.0, 0.0),), start=(0.0, 0.0, 3.0)),
        "Flokas, Vlatakis-Gkaragkounis and Piliouras, 2019",
        circles=True,
    ),
    GameFamily(
        "weak-interaction",
        partial(
            _planar, formula=formulas.weak_interaction, points=((0.0, 0.0), *FOUR_WELLS), start=(0.0, 0.0, 4.0)
        ),
        "Grimmer, Lu, Worah and Mirrokni, 2020",
    ),
    GameFamily(
        "dirac-gan",
        partial(_planar, formula=formulas.dirac_gan, points=((0.0, 0.0),), start=(0.0, 0.0, 3.0)),
        "Mescheder, Geiger and Nowozin, 2018",
        circles=True,
    ),
    GameFamily(
        "coherent",
        partial(_planar, formula=formulas.coherent, points=((0.0, 0.0),), start=(0.0, 0.0, 1.0), box=1.0),
        "Mertikopoulos et al., 2019",
    ),
)
SUITE: Mapping[str, GameFamily] = {family.name: family for family in _FAMILIES}
"""The published minimax problems by name, in double precision."""
