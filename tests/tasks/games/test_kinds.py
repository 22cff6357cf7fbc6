"""What a stationary point is: by the definitions, on a grid around it, for every game of two numbers."""

import pytest
import torch
from duels import start

from tasks.games import SUITE, FieldGame, Kind, PlanarGame, QuadraticGame
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, field_jacobian

NASH, LOCAL, VI, SPURIOUS = Kind.NASH, Kind.LOCAL_MINIMAX, Kind.VI_ONLY, Kind.SPURIOUS
FUNC4 = [NASH, SPURIOUS, SPURIOUS]
EXPECTED = {
    "xy": [NASH],
    "saddle": [NASH],
    "rotated-saddle": [NASH],
    "seesaw-1": [NASH] * 3,
    "seesaw-7": [NASH] * 3,
    "matrix-1": [NASH],
    "matrix-5-filed": [NASH],
    "matrix-5-printed": [NASH],
    "cgd-bilinear-3": [NASH],
    "cgd-saddle": [NASH],
    "swapped-saddle": [SPURIOUS],
    "covariance-4": [NASH],
    "ridge-1": [LOCAL],
    "ridge-2": [SPURIOUS],
    "ridge-3": [LOCAL, SPURIOUS, SPURIOUS],
    "func2": [LOCAL],
    "func4": FUNC4,
    "func4-wide": FUNC4,
    "func5": [SPURIOUS, SPURIOUS],
    "func6": [VI, SPURIOUS],
    "forsaken": [SPURIOUS],  # its famous point is the best for x and the worst for y
    "global-forsaken": [NASH],
    "polar": [NASH],
    "lower-bound": [VI],
    "ratio-mixed": [NASH],
    "ratio-corner": [NASH],
    "two-sided-pl": [NASH],
    "hidden-pennies": [NASH],
    "weak-interaction": [SPURIOUS, NASH, NASH, NASH, NASH, SPURIOUS, SPURIOUS, SPURIOUS, SPURIOUS],
    "dirac-gan": [NASH],
    "coherent": [NASH],
}
OF_NUMBERS = [
    name
    for name, family in SUITE.items()
    if family.sample(1).start[0].shape[1] == 1 == family.sample(1).start[1].shape[1] and name != "polar"
]


@pytest.mark.parametrize("name", EXPECTED)
def test_kinds_are_those_of_the_literature_or_of_its_errata(name):
    assert SUITE[name].sample(3).kinds.tolist() == [EXPECTED[name]] * 3


def test_every_game_of_two_numbers_is_looked_at():
    assert {"xy", "seesaw-4", "ridge-3", "func6", "forsaken", "global-forsaken", "lower-bound"} <= set(OF_NUMBERS)


def by_definition(game, x, y):
    """The minimax kind of a point of one game, or None: f looked at on grids, as Jin et al. define it.

    For all small d, f(x*, y) <= f* <= max over |y' - y*| <= h(d) of f(x, y') wherever |y - y*| <= d, |x - x*| <= d.
    """
    rounding = 1e-10

    def f(xs, ys):
        shape = torch.broadcast_shapes(xs.shape, ys.shape)
        flat = (xs.expand(shape).reshape(-1, 1), ys.expand(shape).reshape(-1, 1))
        alike = type(game).__new__(type(game))
        alike.__dict__.update(vars(game), start=flat)
        for name, value in vars(game).items():  # the numbers of the one game, for each point
            if isinstance(value, torch.Tensor) and len(value) == 1:
                setattr(alike, name, value.expand(len(flat[0]), *value.shape[1:]))
        return alike.objective(flat).view(shape)

    here, line = f(x, y), torch.linspace(-1, 1, 41, dtype=torch.float64)
    kind = {NASH, LOCAL}
    for d in (1e-2, 3e-3):
        stays = bool((f(x, y + d * line) <= here + rounding).all())
        answers = 10 * d * torch.linspace(-1, 1, 2001, dtype=torch.float64)
        answered = bool((f(x + d * line[:, None], y + answers).amax(1) >= here - rounding).all())
        alone = bool((f(x + d * line, y) >= here - rounding).all())
        kind &= ({NASH} if stays and alone else set()) | ({LOCAL} if stays and answered else set())
    return min(kind, default=None)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_minimax_points_are_so_by_definition_and_no_others(name):
    game = SUITE[name].sample(1)
    for kind, point in zip(game.kinds[0], game.stationary()[0], strict=True):
        told = Kind(int(kind))
        assert by_definition(game, *point[:, None]) == (told if told in MINIMAX else None)


def least_minty(game, point):
    """The least <F(z), z - z*> L / |F(z)|^2 of points close to z*, L the longest of |F(z)| / |z - z*|."""
    turns = torch.linspace(0, 2 * torch.pi, 73, dtype=torch.float64)
    away = 1e-4 * torch.stack([turns.cos(), turns.sin()], dim=1)
    fields = torch.cat([game.field(game.pair((point + one)[None])).detach() for one in away])
    longest = (fields.norm(dim=1) / away.norm(dim=1)).max()
    return ((fields * away).sum(1) * longest / fields.square().sum(1)).min()


@pytest.mark.parametrize(
    "name", ["lower-bound", "func6", "ridge-2", "swapped-saddle", "func4", "func5", "forsaken"]
)
def test_the_weak_minty_condition_holds_where_it_is_told_and_fails_at_spurious_points(name):
    game = SUITE[name].sample(1)
    for kind, point in zip(game.kinds[0], game.stationary()[0], strict=True):
        if kind == VI:
            assert least_minty(game, point) >= -0.5 - 1e-3
        elif kind == SPURIOUS:
            assert least_minty(game, point) < -0.5 - 1e-3


def test_the_point_of_forsaken_repels_y():
    """f_yy = -psi'(y) > 0 there: y wants to leave, which a method that only seeks F = 0 does not see."""
    game = SUITE["forsaken"].sample(1)
    jacobian = field_jacobian(game, game.pair(game.stationary()[:, 0]))[0]
    assert -jacobian[1, 1] > 0.3
    assert jacobian[0, 0] > 0.3


@pytest.mark.parametrize(
    ("formula", "kind"),
    [
        (lambda x, y: x**4 - y**4, NASH),
        (lambda x, y: x**4 + y**4, SPURIOUS),
        (lambda x, y: -(x**4) - y**4, SPURIOUS),
        (lambda x, y: x**3 - y**2, SPURIOUS),
        (lambda x, y: x * y - x**4, LOCAL),  # the answer to x is as large as y pleases
        (lambda x, y: 0 * x * y, NASH),
    ],
)
def test_where_second_derivatives_vanish_the_function_decides(formula, kind):
    assert PlanarGame(start(1.0, 1.0), formula, [(0.0, 0.0)]).kinds.tolist() == [[kind]]


@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e8])
def test_the_unit_of_the_objective_does_not_matter(scale):
    for formula, kind in ((lambda x, y: x**2 + y**3, SPURIOUS), (lambda x, y: x**4 - y**4, NASH)):
        scaled = PlanarGame(start(1.0, 1.0), lambda x, y, own=formula: scale * own(x, y), [(0.0, 0.0)])
        assert scaled.kinds.tolist() == [[kind]]
    assert PlanarGame(start(1.0, 1.0), lambda x, y: 1e6 + x**4 - y**4, [(0.0, 0.0)]).kinds.tolist() == [[NASH]]


class Diagonal(Game):
    """x^2 + y_1^2 y_2^2: y gains along no axis, and along every other line."""

    def objective(self, y):
        x, other = y
        return x[:, 0] ** 2 + other.square().prod(1)

    def stationary(self):
        return torch.zeros(1, 1, 3, dtype=torch.float64)


def test_mixtures_of_directions_that_are_open_are_looked_at():
    game = Diagonal((torch.ones(1, 1, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)))
    assert game.kinds.tolist() == [[SPURIOUS]]


def test_a_field_of_no_one_function_is_classified_by_each_players_own_derivatives():
    """F = (p x + 3 y, q y - 3 x)."""
    for p, q, kind in ((1.0, 1.0, NASH), (-1.0, -1.0, VI), (-3.0, -3.0, SPURIOUS)):
        game = FieldGame(start(1.0, 1.0), lambda x, y, p=p, q=q: (p * x + 3 * y, q * y - 3 * x), [(0.0, 0.0)])
        assert game.kinds.tolist() == [[kind]]


def test_in_single_precision_the_kinds_are_the_same():
    for p, q, kind in ((1.0, 1.0, NASH), (-1.0, -1.0, VI), (-3.0, -3.0, SPURIOUS), (-3.0, 2.0, LOCAL)):
        one = torch.ones(1, 1, 1)
        assert QuadraticGame((one[0], one[0]), 3 * one, p=p * one, q=q * one).kinds.tolist() == [[kind]]
