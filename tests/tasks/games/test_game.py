"""A game knows its field, its points and how far it is to those that count."""

import math

import pytest
import torch
from duels import start, xy

from minimax_l2l import Box, Oracle, Product
from tasks.games import (
    SUITE,
    BilinearGame,
    FieldGame,
    Game,
    GameFamily,
    Kind,
    PlanarGame,
    QuadraticGame,
    SeesawGame,
)

SQRT2 = math.sqrt(2)


def func4(x, y):
    return PlanarGame(
        start(x, y),
        lambda x, y: 2 * x**2 + y**2 + 4 * x * y + 4 / 3 * y**3 - y**4 / 4,
        [(-2 - SQRT2, 2 + SQRT2), (0.0, 0.0), (-2 + SQRT2, 2 - SQRT2)],
    )


def test_the_field_by_hand_is_minus_the_direction_of_play_and_costs_nothing():
    game = xy(2.0, 3.0)
    assert game.field(game.start).tolist() == [[3.0, -2.0]]
    assert game.passes.input_gradient == 0
    moves = Oracle(game).gradient(game.start)
    assert torch.equal(torch.cat(moves, dim=1), -game.field(game.start))


def test_the_nearest_point_of_the_kinds_that_count():
    game = func4(0.0, 1.0)
    nash = math.hypot(2 + SQRT2, 1 + SQRT2)
    assert game.distance(game.start).item() == pytest.approx(nash)
    assert game.distance(game.start, [Kind.SPURIOUS]).item() == pytest.approx(math.hypot(2 - SQRT2, 1 - 2 + SQRT2))
    assert game.distance(game.start, [Kind.VI_ONLY]).item() == math.inf
    assert game.distance(game.start, []).item() == math.inf


def test_a_bilinear_game_is_one_of_them():
    a, p, q = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.tensor([0.0, 3.0])
    game = BilinearGame(a, p, q, (torch.zeros(2, 1), torch.zeros(2, 1)))
    assert game.kinds.tolist() == [[Kind.NASH]] * 2
    assert game.distance(game.start).tolist() == pytest.approx([0.5, math.sqrt(10)])


def test_a_seesaw_has_a_solution_wherever_the_sine_is_zero():
    game = SeesawGame(start(0.3, 0.4), torch.tensor([2.0]).double(), torch.tensor([1.0]).double())
    assert game.stationary()[0].tolist() == [[0.5, 0.0], [0.0, 0.0], [1.0, 0.0]]
    assert game.distance(start(7.2, 0.0)).item() == pytest.approx(0.2)
    assert game.distance(game.start, [Kind.SPURIOUS]).item() == math.inf


def test_a_quadratic_games_derivative_and_solution():
    torch.manual_seed(0)
    half = torch.randn(2, 5, 5).double()
    full = half @ half.mT
    pair = (torch.randn(2, 3).double(), torch.randn(2, 2).double())
    a, b, c = torch.randn(2, 3, 2).double(), torch.randn(2, 3).double(), torch.randn(2, 2).double()
    game = QuadraticGame(pair, a, p=full[:, :3, :3], q=full[:, 3:, 3:], b=b, c=c)
    here = torch.cat(pair, dim=1)
    affine = (game.jacobian @ here[..., None])[..., 0] + torch.cat([b, -c], dim=1)
    torch.testing.assert_close(game.field(pair), affine)
    assert game.field(game.pair(game.stationary()[:, 0])).abs().max() < 1e-9
    torch.testing.assert_close(game.distance(pair), (here - game.stationary()[:, 0]).norm(dim=1))


def test_directions_in_which_the_field_does_nothing_do_not_count():
    a = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).double()
    pair = (torch.tensor([[3.0, 100.0]]).double(), torch.tensor([[4.0, -50.0]]).double())
    assert QuadraticGame(pair, a).distance(pair).item() == pytest.approx(5.0)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(wrong):
    pair, one = start(1.0, 1.0), torch.ones(1, 1, 1).double()
    for name in ("a", "p", "q"):
        with pytest.raises(ValueError, match=f"{name} must be finite everywhere, got NaN or infinity"):
            QuadraticGame(pair, **{"a": one, name: wrong * one})


def test_a_quadratic_game_whose_field_is_nowhere_zero_has_no_solution():
    pair = start(1.0, 1.0)
    game = QuadraticGame(pair, torch.zeros(1, 1, 1).double(), b=torch.ones(1, 1).double())
    assert game.stationary().isnan().all()
    assert game.distance(pair).item() == math.inf


def test_a_field_game_hands_on_the_field_and_its_derivatives():
    given = FieldGame(start(0.7, -0.4), lambda x, y: (x**3 + y, y**3 - x), [(0.0, 0.0)])
    one = PlanarGame(start(0.7, -0.4), lambda x, y: x**4 / 4 + x * y - y**4 / 4, [(0.0, 0.0)])
    assert given.objective(given.start).tolist() == [0.0]
    torch.testing.assert_close(given.field(given.start), one.field(one.start))
    vector = start(0.3, 2.0)
    for name in ("times", "transposed"):
        mine, other = (getattr(Oracle(game).slope(game.start), name)(vector) for game in (given, one))
        torch.testing.assert_close(torch.cat(mine), torch.cat(other))


def test_a_game_of_ones_own_needs_an_objective_alone():
    class Mine(Game):
        def objective(self, y):
            return (y[0] * y[1]).sum(1)

    game = Mine((torch.ones(2, 3), torch.ones(2, 3)))
    assert game.field(game.start).shape == (2, 6)
    with pytest.raises(NotImplementedError, match="Mine does not say where its field is zero"):
        game.distance(game.start)


def test_a_box_is_a_constraint():
    game = PlanarGame(start(1.0, 1.0), lambda x, y: x * y, [(0.0, 0.0)], box=0.5)
    assert [leaf.item() for leaf in game.constraint.project(game.start)] == [0.5, 0.5]


def test_a_formula_that_works_in_place_moves_no_player():
    game = PlanarGame(start(2.0, 3.0), lambda x, y: x.mul_(y).add_(1), [(0.0, 0.0)])
    assert game.objective(game.start).tolist() == [7.0]
    assert game.field(game.start).tolist() == [[3.0, -2.0]]
    assert [leaf.item() for leaf in game.start] == [2.0, 3.0]


def test_what_a_point_is_cannot_be_told_everywhere():
    short = PlanarGame(tuple(leaf.half() for leaf in start(1.0, 1.0)), lambda x, y: x * y, [(0.0, 0.0)])
    with pytest.raises(ValueError, match=r"as short as torch\.float16; make the game in float32"):
        short.distance(short.start)
    rooted = PlanarGame(start(1.0, 1.0), lambda x, y: x.sqrt() - y**2, [(0.0, 0.0)])
    with pytest.raises(ValueError, match="derivative is NaN or infinite; look for a division, root"):
        rooted.distance(rooted.start)


def test_a_family_of_ones_own():
    def draw(count, generator):
        return PlanarGame((torch.ones(count, 1), torch.zeros(count, 1)), lambda x, y: x * y, [(0.0, 0.0)])

    family = GameFamily("mine", draw, "here")
    assert family.sample(3).start[0].tolist() == [[1.0]] * 3
    assert not family.circles
    with pytest.raises(ValueError, match="must return 3 games, as it was asked, got 2; make the start's tensors"):
        GameFamily("mine", lambda count, generator: draw(2, generator), "here").sample(3)
    with pytest.raises(TypeError, match="what draw of 'mine' returns must be a Game"):
        GameFamily("mine", lambda count, generator: None, "here").sample(3)


def test_a_point_at_which_nobody_is_at_rest_is_no_candidate():
    mistyped = PlanarGame(start(1.0, 1.0), lambda x, y: x**2 - y**2 + x * y, [(5.0, 5.0)])
    with pytest.raises(ValueError, match=r"zero at each stationary point, got a length of 15\.8 at \[5\.0, 5"):
        mistyped.distance(mistyped.start)


def test_where_the_field_is_zero_nowhere_no_point_is_a_candidate():
    slope = PlanarGame(start(1.0, 1.0), lambda x, y: x - y, [(0.0, 0.0)])
    with pytest.raises(ValueError, match=r"zero at each stationary point, got a length of 1\.41 at \[0\.0, 0"):
        slope.distance(slope.start)


def test_on_the_boundary_of_a_set_a_game_has_to_say_itself_what_a_point_is():
    class Corner(PlanarGame):
        constraint = Product(Box(0.0, 1.0), Box(0.0, 1.0))

    def f(x, y):
        return (x + 1) ** 2 - (y - 2) ** 2 + x * y

    with pytest.raises(
        ValueError, match="on the boundary of its set a game has to say itself what they are, in a pro"
    ):
        Corner(start(0.5, 0.5), f, [(0.0, 1.0)]).distance(start(0.5, 0.5))

    class Told(Corner):
        @property
        def kinds(self):
            return torch.full((1, 1), int(Kind.NASH))

    assert Told(start(0.5, 0.5), f, [(0.0, 1.0)]).distance(start(0.0, 0.5)).tolist() == [0.5]


def test_a_point_that_its_digits_cannot_hold_is_one_all_the_same():
    far = PlanarGame(
        (torch.ones(1, 1), torch.ones(1, 1)), lambda x, y: (x - 1e6 / 3) ** 2 - y**2, [(1e6 / 3 + 1, 0.0)]
    )
    assert far.kinds.tolist() == [[Kind.NASH]]


@pytest.mark.parametrize("family", ["xy", "ridge-3", "seesaw-3", "polar", "ratio-mixed", "covariance-4"])
def test_games_with_their_tensors_replaced_are_the_same_games(family):
    game = SUITE[family].sample(3)
    assert game.kinds.shape[0] == 3
    other = game.to("cpu").with_tensors(lambda tensor: tensor.clone())
    assert torch.equal(other.objective(other.initial()), game.objective(game.initial()))
    assert torch.equal(other.distance(other.initial()), game.distance(game.initial()))
    moved = game.to("meta")
    tensors = [*moved.start, *(own for own in vars(moved).values() if isinstance(own, torch.Tensor))]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert game.start[0].device.type == "cpu"


@pytest.mark.parametrize("name", ["xy", "seesaw-3", "covariance-4", "ridge-3"])
def test_a_distance_is_asked_of_a_pair_and_of_kinds(name):
    game = SUITE[name].sample(2)
    x, y = game.start
    for pair, words in [
        ((x, y[:1]), "pair must have the start's shapes, got"),
        ((x,), "pair must have the start's shapes, got"),
    ]:
        with pytest.raises(ValueError, match=words):
            game.distance(pair)
    for pair in (x, [x, y], (x, "y"), None):
        with pytest.raises(TypeError, match="pair"):
            game.distance(pair)
    for kinds in (Kind.NASH, "nash", ["nash"], None):
        with pytest.raises(TypeError, match=r"kinds must be a (collection of kinds|Kind), got"):
            game.distance(game.start, kinds)


class Claimed(Game):
    """Three games xy whose stationary points are as they are claimed."""

    def __init__(self, points):
        super().__init__((torch.ones(3, 1), torch.ones(3, 1)))
        self.claimed = points

    def objective(self, y):
        return (y[0] * y[1]).sum(1)

    def stationary(self):
        return self.claimed


@pytest.mark.parametrize(
    ("points", "got"),
    [
        (torch.zeros(3, 2), r"\(3, 2\)"),
        (torch.zeros(1, 1, 2), r"\(1, 1, 2\)"),
        (torch.zeros(3, 1, 3), r"\(3, 1, 3\)"),
        (torch.zeros(3, 0, 2), r"\(3, 0, 2\)"),
    ],
)
@pytest.mark.parametrize("asked", [lambda game: game.kinds, lambda game: game.distance(game.start)])
def test_stationary_points_of_another_shape_are_refused(points, got, asked):
    with pytest.raises(ValueError, match=rf"shape {got}; return one of shape \(3, s, 2\)"):
        asked(Claimed(points))


def test_stationary_points_that_are_no_tensor_are_refused():
    with pytest.raises(TypeError, match=r"what stationary\(\) returns must be a tensor, got"):
        Claimed([[0.0, 0.0]]).distance((torch.ones(3, 1), torch.ones(3, 1)))


def test_an_objective_that_sums_over_games_is_refused():
    class Summed(Claimed):
        def objective(self, y):
            return super().objective(y).sum()

    with pytest.raises(ValueError, match="one value per instance"):
        Summed(torch.zeros(3, 1, 2)).distance((torch.ones(3, 1), torch.ones(3, 1)))
