"""GramUpdater: blind to coordinates, fit for every dimension, exact where games are quadratic, trainable."""

import pytest
import torch

from minimax_l2l import Box, GradientFeatures, GramUpdater, InnerProblem, LearnedOptimizer, leaves
from minimax_l2l.testing import check_optimizer, check_updater
from minimax_l2l.updaters.gram.past import Past
from tasks.games import SUITE, Kind, PlanarGame, QuadraticGame, gram_optimizer
from tasks.games.game import Game

FAR = 1e-3


def turned(optimizer):
    """The same optimizer with dials that are not at rest."""
    with torch.no_grad():
        optimizer.updater.head.weight.normal_(std=0.3)
    return optimizer


def path(optimizer, game, steps):
    pairs = []
    game.watched = True
    optimizer.maximize(game, steps=steps, observe=lambda _, pair: pairs.append(torch.cat(leaves(pair), dim=1)))
    return torch.stack(pairs)


def solved_after(optimizer, name, steps=40, count=20, seed=3):
    """Share of games that stay within 1e-3, and the median step from which they do."""
    game = SUITE[name].sample(count, seed=seed)
    game.watched, distances = True, []
    with torch.no_grad():
        optimizer.maximize(game, steps=steps, observe=lambda _, pair: distances.append(game.distance(pair)))
    far = (torch.stack(distances) > FAR).flip(0).cummax(0).values.flip(0)
    return 1 - far[-1].double().mean().item(), far.sum(0).double().median().item()


def test_the_contract():
    check_updater(GramUpdater(), torch.randn(3, 2, 5, dtype=torch.float64))


def test_the_contract_of_its_optimizer():
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(3, 2, 2, generator=generator, dtype=torch.float64)
    start = torch.ones(3, 2, dtype=torch.float64), torch.ones(3, 2, dtype=torch.float64)
    check_optimizer(turned(gram_optimizer(steps=5)), lambda: QuadraticGame(start, a))


def test_a_learned_optimizer_gives_it_what_it_needs_or_says_so():
    optimizer = LearnedOptimizer(GramUpdater(), steps=12)
    assert optimizer.features.normalise == "none"
    end = optimizer.maximize(Bowl(torch.zeros(3, 2, dtype=torch.float64), Box(-1.0, 0.5)))
    torch.testing.assert_close(end.y, torch.full_like(end.y, 0.5))
    with pytest.raises(ValueError, match="must see the gradient as it is"):
        LearnedOptimizer(GramUpdater(), features=GradientFeatures("rms"))


def test_it_is_small():
    assert sum(one.numel() for one in GramUpdater().parameters()) < 5000


@pytest.mark.parametrize(
    ("name", "most"), [("xy", 3), ("rotated-saddle", 3), ("ridge-1", 5), ("matrix-5-filed", 14)]
)
def test_quadratic_games_end_once_all_was_seen(name, most):
    share, steps = solved_after(gram_optimizer(), name)
    assert share == 1
    assert steps <= most


@pytest.mark.parametrize("name", ["swapped-saddle", "ridge-2", "lower-bound", "func5"])
def test_points_that_nobody_wants_are_left(name):
    game = SUITE[name].sample(20, seed=3)
    end = path(gram_optimizer(), game, 40)[-1]
    away = torch.linalg.vector_norm(end[:, None] - game.stationary(), dim=2).amin(1)
    assert (away > 0.1).all()


def test_players_may_count_in_different_units():
    """A game of x and u y: min over x of max over y of |x|^2 / 2 + x'A(u y) - |u y|^2 / 2."""
    unit = torch.tensor([1e2, 1e3, 1e5], dtype=torch.float64).repeat_interleave(20)
    count, generator = len(unit), torch.Generator().manual_seed(0)
    a = torch.randn(count, 2, 2, generator=generator, dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64).expand(count, -1, -1)
    start = tuple(torch.randn(count, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    game = QuadraticGame(start, unit[:, None, None] * a, p=eye, q=unit[:, None, None] ** 2 * eye)
    assert (game.distance(tuple(path(gram_optimizer(), game, 40)[-1].split(2, dim=1))) < FAR / unit).all()


def test_one_players_numbers_may_differ_by_a_hundred():
    """Units of x and of y alike from 1 to 1 / apart; the shipped weights, 100 steps."""
    count, size, generator = 20, 4, torch.Generator().manual_seed(0)
    units = [torch.logspace(0, -digits, size, dtype=torch.float64) for digits in (2, 3)]
    unit = torch.diag_embed(torch.stack(units).repeat_interleave(count, 0))
    a = unit @ torch.randn(count, size, size, generator=generator, dtype=torch.float64).repeat(2, 1, 1) @ unit
    own = unit @ unit
    draws = [torch.randn(count, size, generator=generator, dtype=torch.float64) for _ in range(2)]
    start = tuple(draw.repeat(2, 1) for draw in draws)
    game = QuadraticGame(start, a, p=own, q=own)
    with torch.no_grad():
        end = LearnedOptimizer.from_pretrained("gram-games").maximize(game, steps=100)
    assert (game.distance(end.y) < FAR).view(2, count).all(1).tolist() == [True, False]


def test_a_wrong_point_does_not_hold_it_however_near_it_starts():
    """Whatever the dials: f = x^4 / 4 - x^2 / 2 + xy - y^2 has one at the origin, which x should leave."""
    optimizer = gram_optimizer()
    with torch.no_grad():
        optimizer.updater.head.bias[-1] = -100.0  # steps as short as they can be held
    length = torch.tensor([[1e-2], [1e-5]], dtype=torch.float64).repeat_interleave(20, 0)
    start = torch.randn(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    start *= length / torch.linalg.vector_norm(start, dim=1, keepdim=True)
    game = PlanarGame(start.split(1, dim=1), lambda x, y: x**4 / 4 - x**2 / 2 + x * y - y**2, [(0.0, 0.0)])
    away = torch.linalg.vector_norm(path(optimizer, game, 40)[-1], dim=1)
    assert (away > 0.1).all()


@pytest.mark.parametrize("shipped", [True, False])
def test_a_point_that_y_gains_little_by_leaving_does_not_draw_it_in(shipped):
    """Not to the origin of f = x^2 / 2 + xy + e y^2 / 2, where gradient play comes to rest if e is below 1."""
    gain = torch.tensor([0.003, 0.02, 0.1], dtype=torch.float64).repeat_interleave(20)[:, None, None]
    one, generator = torch.ones(60, 1, 1, dtype=torch.float64), torch.Generator().manual_seed(0)
    start = tuple(torch.randn(60, 1, generator=generator, dtype=torch.float64) for _ in "xy")
    game = QuadraticGame(start, one, p=one, q=-gain * one)
    optimizer = LearnedOptimizer.from_pretrained("gram-games") if shipped else gram_optimizer()
    assert (torch.linalg.vector_norm(path(optimizer, game, 60)[-1], dim=1) > 0.1).all()


def each(*values):
    """Each value for twenty games."""
    return torch.tensor(values, dtype=torch.float64).repeat_interleave(20)


class Scaled(InnerProblem):
    """Games whose objective is c times as large, and whose y is measured in units of 1 / u."""

    signs = (-1.0, 1.0)

    def __init__(self, game, c=1.0, u=1.0):
        self.game, self.c, self.watched = game, c, True
        self.u = torch.as_tensor(u)[..., None]

    def initial(self):
        x, y = self.game.start
        return x, y / self.u

    def objective(self, y):
        return self.c * self.game.objective((y[0], self.u * y[1]))

    def end(self, optimizer, steps):
        with torch.no_grad():
            x, y = optimizer.maximize(self, steps=steps).y
        return x, self.u * y


@pytest.mark.parametrize("name", ["ridge-2", "func5", "lower-bound", "swapped-saddle"])
def test_wrong_points_do_not_draw_it_in_whatever_the_unit_of_y(name):
    game = SUITE[name].sample(60, seed=3)
    end = Scaled(game, u=each(0.1, 1.0, 10.0)).end(LearnedOptimizer.from_pretrained("gram-games"), 60)
    assert (game.distance(end, [Kind.SPURIOUS, Kind.VI_ONLY]) > FAR).all()


@pytest.mark.parametrize("name", ["ridge-3", "seesaw-4", "func2"])
def test_the_unit_of_f_hardly_matters(name):
    """A gradient of 1e3 says nothing of how long a step should be."""
    game = SUITE[name].sample(60, seed=3)
    end = Scaled(game, c=each(1e-3, 1e3, 1e6)).end(LearnedOptimizer.from_pretrained("gram-games"), 60)
    assert ((game.distance(end) < FAR).view(3, 20).sum(1) >= 19).all()


def test_units_may_differ_by_ten_in_a_game_that_is_not_quadratic():
    """The game |x|^2 / 2 + x'Ay - |y|^2 / 2 - sum y^4 / 10, of four numbers for each player."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(20, 4, 4, generator=generator, dtype=torch.float64).repeat(4, 1, 1) / 2
    start = tuple(3 * torch.randn(20, 4, generator=generator, dtype=torch.float64).repeat(4, 1) for _ in "xy")

    class Quartic(Game):
        def objective(self, pair):
            x, y = pair
            own = x.square() / 2 - y.square() / 2 - y**4 / 10
            return own.sum(1) + torch.einsum("ni,nij,nj->n", x, a, y)

    units = each(0.1, 1.0, 10.0, 100.0)
    end = Scaled(Quartic(start), u=units).end(LearnedOptimizer.from_pretrained("gram-games"), 200)
    settled = torch.linalg.vector_norm(torch.cat(end, dim=1), dim=1) < FAR
    assert settled.view(4, 20).all(1).tolist() == [True, True, True, False]


def test_near_a_point_that_y_gains_little_by_leaving_play_may_circle():
    game = SUITE["func4-wide"].sample(20, seed=3)
    end = Scaled(game, u=0.1).end(LearnedOptimizer.from_pretrained("gram-games"), 100)
    settled, held = game.distance(end) < FAR, game.distance(end, [Kind.SPURIOUS, Kind.VI_ONLY]) < FAR
    assert 0 < settled.sum() < 20
    assert not held.any()


def test_steps_turn_with_each_players_coordinates():
    """Rotating x and y apart from each other rotates their paths, whatever the dials."""
    optimizer, count = turned(gram_optimizer()), 4
    rotation = [torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0] for _ in range(2)]
    a = torch.randn(count, 3, 3, dtype=torch.float64)
    start = tuple(torch.randn(count, 3, dtype=torch.float64) for _ in range(2))
    plain = path(optimizer, QuadraticGame(start, a), 8)
    moved = tuple(one @ turn.T for one, turn in zip(start, rotation, strict=True))
    other = path(optimizer, QuadraticGame(moved, rotation[0] @ a @ rotation[1].T), 8)
    torch.testing.assert_close(plain @ torch.block_diag(*rotation).T, other, rtol=1e-5, atol=1e-6)


def test_steps_do_not_depend_on_where_the_game_is():
    optimizer, a = turned(gram_optimizer()), torch.randn(4, 2, 2, dtype=torch.float64)
    start = tuple(torch.randn(4, 2, dtype=torch.float64) for _ in range(2))
    far = torch.tensor([5.0, -7.0], dtype=torch.float64)
    b, c = -torch.einsum("nij,j->ni", a, far), -torch.einsum("nij,i->nj", a, far)
    here = path(optimizer, QuadraticGame(start, a), 6)
    there = path(optimizer, QuadraticGame((start[0] + far, start[1] + far), a, b=b, c=c), 6)
    torch.testing.assert_close(here + torch.cat([far, far]), there, rtol=1e-5, atol=1e-6)


class Bowl(InnerProblem):
    """-|y - 1|^2, for one who ascends alone."""

    def __init__(self, start, constraint=None):
        self.start = start
        if constraint is not None:
            self.constraint = constraint

    def initial(self):
        return self.start

    def objective(self, y):
        return -(y - 1).square().flatten(1).sum(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_player_alone_of_any_shape_and_dtype(dtype):
    end = gram_optimizer(steps=6).maximize(Bowl(torch.randn(2, 3, 4, dtype=dtype)))
    assert end.y.dtype == dtype
    torch.testing.assert_close(end.y, torch.ones_like(end.y))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_y_in_half_precision_is_refused(dtype):
    with pytest.raises(TypeError, match=f"y is {dtype}, and GramUpdater .* keep y in float32 or float64"):
        gram_optimizer(steps=6).maximize(Bowl(torch.randn(2, 3, dtype=dtype)))


def test_a_solution_on_the_boundary_is_where_it_rests():
    problem = Bowl(torch.zeros(3, 2, dtype=torch.float64), Box(-1.0, 0.5))
    end = gram_optimizer(steps=12).maximize(problem)
    torch.testing.assert_close(end.y, torch.full_like(end.y, 0.5))


@pytest.mark.parametrize("name", ["ratio-corner", "ratio-mixed"])
def test_a_player_in_a_corner_does_not_hold_the_other_one_up(name):
    """What a set cuts off a step is not waited for: x stays in its corner, and y moves on to its own."""
    share, steps = solved_after(gram_optimizer(), name)
    assert share == 1
    assert steps <= 12


def test_what_was_cut_off_is_known_whatever_the_digits():
    y = torch.tensor([[0.3, 0.7]], dtype=torch.float32).double()
    gradient = torch.ones(1, 2, dtype=torch.float64)
    past = Past.known((), y, gradient, memory=3)
    step = torch.tensor([[0.1, 0.4]], dtype=torch.float64)
    rounded = (y + step).float().double()
    assert not Past.known(past.after(step), rounded, gradient, memory=3).cut.any()
    inside = torch.tensor([[0.4, 1.0]], dtype=torch.float64)
    cut = Past.known(past.after(step), inside, gradient, memory=3).cut
    torch.testing.assert_close(cut, torch.tensor([[0.0, 0.1]], dtype=torch.float64), rtol=1e-6, atol=1e-7)


def test_at_rest_it_rests_for_ever():
    """Long after the solution was met to the last digit, nothing is divided by zero."""
    end = gram_optimizer(steps=60).maximize(SUITE["xy"].sample(3))
    assert all(leaf.abs().max() < 1e-12 for leaf in leaves(end.y))


def test_an_extreme_scale_is_no_obstacle():
    start = torch.ones(2, 1, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    for strength in (1e-6, 1e6):
        game = QuadraticGame(start, torch.full((2, 1, 1), strength, dtype=torch.float64))
        end = gram_optimizer(steps=30).maximize(game)
        assert (game.distance(end.y) < FAR).all(), strength


def test_phi_learns_through_the_steps():
    optimizer = turned(gram_optimizer())
    game = SUITE["func2"].sample(8)
    game.distance(optimizer.maximize(game, steps=5).y).sum().backward()
    gradients = [one.grad for one in optimizer.parameters()]
    assert all(one.isfinite().all() and one.any() for one in gradients)


def test_weights_of_each_instance_are_those_of_one():
    """A set of weights for each instance gives what each set gives alone."""
    features = torch.randn(3, 2, 4, dtype=torch.float64)
    singles = [turned(LearnedOptimizer(GramUpdater())).updater for _ in range(3)]
    many = GramUpdater()
    for name in dict(many.named_parameters()):
        module, _, own = name.rpartition(".")
        stack = torch.stack([one.get_parameter(name).detach() for one in singles])
        delattr(many.get_submodule(module), own)
        setattr(many.get_submodule(module), own, stack)
    state, states = (), [()] * 3
    for call in range(4):
        seen = features * (call + 1)
        step, state = many(seen, state)
        for place, one in enumerate(singles):
            alone, states[place] = one(seen[place : place + 1], states[place])
            torch.testing.assert_close(step[place : place + 1], alone)
