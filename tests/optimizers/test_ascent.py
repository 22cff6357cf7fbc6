"""Hand-designed ascent: steps worked out by hand, optimal where that is known."""

import math

import pytest
import torch
from specimens import Linear, Quadratic

from minimax_l2l import (
    FGSM,
    PGM,
    AlternatingAscent,
    Box,
    ExtraGradient,
    GradientAscent,
    InnerProblem,
    Iterate,
    L2Ball,
    LinfBall,
    NonFiniteError,
    Passes,
    Simplex,
)
from tasks.games import BilinearGame

SLOPE = torch.tensor([[3.0, -4.0, 0.5], [-1.0, 0.0, 2.0]])


def path(optimizer, problem):
    seen = []
    optimizer.maximize(problem, observe=lambda _, y: seen.append(y))
    return seen


def test_gradient_ascent_by_hand():
    """From 0 towards 4 with curvature 1 and step 1/2 the distance halves; the box ends it at 3."""
    problem = Quadratic(torch.tensor([[4.0]]), constraint=Box(-9.0, 3.0))
    walked = path(GradientAscent(steps=4, step_size=0.5), problem)
    assert [y.item() for y in walked] == [0.0, 2.0, 3.0, 3.0, 3.0]
    assert problem.passes == Passes(forward=4, input_gradient=4)


def test_no_steps_return_the_projected_start_without_a_query():
    problem = Quadratic(SLOPE, start=SLOPE, constraint=LinfBall(1.0))
    assert torch.equal(GradientAscent(steps=0).maximize(problem).y, SLOPE.clamp(-1, 1))
    assert problem.passes == Passes()


def game(steps, optimizer):
    one, zero = torch.ones(1, 1), torch.zeros(1)
    problem = BilinearGame(one[0], zero, zero, (one, 0 * one))
    return [(x.item(), y.item()) for x, y in path(optimizer(steps=steps, step_size=0.5), problem)], problem.passes


def test_simultaneous_play_of_a_game_by_hand():
    """(x, y) <- (x - y / 2, y + x / 2)."""
    walked, passes = game(2, GradientAscent)
    assert walked == [(1.0, 0.0), (1.0, 0.5), (0.75, 1.0)]
    assert passes == Passes(forward=2, input_gradient=2)


def test_extragradient_play_of_a_game_by_hand():
    """From (1, 0) the look ahead is (1, 1/2), where the field is (-1/2, 1): two gradients a step."""
    walked, passes = game(1, ExtraGradient)
    assert walked == [(1.0, 0.0), (0.75, 0.5)]
    assert passes == Passes(forward=2, input_gradient=2)


def test_extragradient_settles_the_game_that_gradient_play_leaves():
    """A step of size eta multiplies the radius by sqrt((1 - eta^2)^2 + eta^2), which is below 1 for eta = 1/2."""
    walked, _ = game(20, ExtraGradient)
    assert math.hypot(*walked[-1]) == pytest.approx(math.sqrt(0.75**2 + 0.25) ** 20, rel=1e-5)
    left, _ = game(20, GradientAscent)
    assert math.hypot(*left[-1]) > 1


def test_alternating_play_of_a_game_by_hand():
    """First x <- x - y / 2, and then y <- y + x / 2 with the new x: one gradient a leaf."""
    walked, passes = game(2, AlternatingAscent)
    assert walked == [(1.0, 0.0), (1.0, 0.5), (0.75, 0.875)]
    assert passes == Passes(forward=4, input_gradient=4)


def test_fgsm_is_optimal_on_a_linear_objective():
    problem = Linear(SLOPE, constraint=LinfBall(0.1))
    best = FGSM(step_size=0.1).maximize(problem).y
    torch.testing.assert_close(problem.objective(best), 0.1 * SLOPE.abs().sum(1))
    assert problem.passes == Passes(forward=1, input_gradient=1)


def test_a_pgm_step_on_an_l2_ball_is_optimal_on_a_linear_objective():
    problem = Linear(SLOPE, constraint=L2Ball(0.1))
    best = PGM(steps=1, step_size=0.1, random_start=0).maximize(problem).y
    torch.testing.assert_close(problem.objective(best), 0.1 * SLOPE.norm(dim=1))


def test_pgm_by_hand():
    """Sign steps of 0.3 towards (1, 0.4) in the ball of radius 0.7: the second entry swings around 0.4."""
    problem = Quadratic(torch.tensor([[1.0, 0.4]]), constraint=LinfBall(0.7))
    walked = torch.cat(path(PGM(steps=3, step_size=0.3, random_start=0), problem))
    expected = torch.tensor([[0.0, 0.0], [0.3, 0.3], [0.6, 0.6], [0.7, 0.3]])
    torch.testing.assert_close(walked, expected)


def test_momentum_by_hand():
    """m_1 = g_0 / mean|g_0|, m_2 = m_1 / 2 + g_1 / mean|g_1|; an L2 ball takes m / |m| as direction.

    g_0 = (3, 1) - 0, m_1 = (1.5, 0.5), y_1 = 1 * (3, 1) / sqrt(10);
    g_1 = (3, 1) - y_1 is along (3, 1) as well, so m_2 = 1.5 (1.5, 0.5) and y_2 = 2 (3, 1) / sqrt(10).
    With a curvature of (1, 9) it bends: g_0 = (3, 9), m_1 = (0.5, 1.5), y_1 = (1, 3) / sqrt(10);
    g_1 = (3 - y_11, 9 (1 - y_12)) = (2.683772, 0.461850), over its mean (1.706354, 0.293646);
    m_2 = (0.25, 0.75) + that = (1.956354, 1.043646), y_2 = y_1 + m_2 / |m_2|.
    """
    optimizer = PGM(steps=2, step_size=1.0, random_start=0, momentum=0.5)
    straight = path(optimizer, Quadratic(torch.tensor([[3.0, 1.0]]), constraint=L2Ball(9.0)))
    torch.testing.assert_close(straight[2], 2 * torch.tensor([[3.0, 1.0]]) / 10**0.5)
    bent = path(optimizer, Quadratic(torch.tensor([[3.0, 1.0]]), torch.tensor([1.0, 9.0]), constraint=L2Ball(9.0)))
    torch.testing.assert_close(bent[1], torch.tensor([[1.0, 3.0]]) / 10**0.5)
    moved = torch.tensor([[1.956354, 1.043646]]) / math.hypot(1.956354, 1.043646)
    torch.testing.assert_close(bent[2], bent[1] + moved, rtol=1e-5, atol=1e-5)


def test_momentum_is_kept_leaf_by_leaf():
    one, zero = torch.ones(2, 1), torch.zeros(2)
    problem = BilinearGame(one[:, 0], zero, zero, (one, 3 * one))
    x, y = PGM(steps=2, step_size=0.1, random_start=0, momentum=1.0).maximize(problem).y
    torch.testing.assert_close(x, 0.8 * one)
    torch.testing.assert_close(y, 3.2 * one)


class Waves(InnerProblem):
    """f(y) = sin(5 y): many hills, so the start decides; starts come from a list."""

    constraint = Box(-3.0, 3.0)

    def __init__(self, noises):
        self.noises = iter(noises)

    def initial(self):
        return torch.zeros(2, 1)

    def objective(self, y):
        return (5 * y).sin()[:, 0] - 0.1 * y[:, 0].square()

    def noise(self, _, draw=0):
        return next(self.noises)


def test_restarts_keep_each_instances_best():
    noises = [torch.tensor([[0.1], [0.6]]), torch.tensor([[0.8], [0.2]]), torch.tensor([[0.55], [0.9]])]
    alone = PGM(steps=40, step_size=0.01)
    ends = [Waves([]).objective(alone.maximize(Waves([noise])).y) for noise in noises]
    problem = Waves(noises)
    best = PGM(steps=40, step_size=0.01, restarts=3).maximize(problem).y
    assert torch.equal(Waves([]).objective(best), torch.stack(ends).amax(0))
    assert len(set(torch.stack(ends).argmax(0).tolist())) == 2
    assert problem.passes == Passes(forward=3 * 40 + 3, input_gradient=3 * 40)


def test_an_iterate_can_be_gone_on_from():
    optimizer = PGM(steps=5, step_size=0.1, random_start=0.0, momentum=0.5)
    problem = Quadratic(torch.tensor([[3.0, -1.0], [0.5, 2.0]]))
    whole = optimizer.maximize(problem)
    half = optimizer.maximize(problem, steps=2)
    rest = optimizer.maximize(problem, start=half, steps=3)
    assert torch.equal(rest.y, whole.y)
    assert all(torch.equal(one, other) for one, other in zip(rest.state, whole.state, strict=True))


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize(
    "start", [torch.nn.Parameter(SLOPE), SLOPE.clone().requires_grad_(), 1.0 * torch.nn.Parameter(SLOPE)]
)
def test_a_problem_s_start_that_requires_a_gradient_gives_its_values(start, steps):
    """A parameter, a leaf that was switched on, and what was computed from a parameter."""
    optimizer, plain = GradientAscent(steps=steps, step_size=0.5), Quadratic(0 * SLOPE, start=SLOPE)
    y = optimizer.maximize(Quadratic(0 * SLOPE, start=start)).y
    assert not y.requires_grad
    assert torch.equal(y, optimizer.maximize(plain).y)
    assert torch.equal(start, SLOPE)


def test_leaves_of_a_tuple_that_are_parameters_give_their_values():
    start = torch.nn.Parameter(torch.ones(1, 1)), torch.zeros(1, 1)
    end = GradientAscent(steps=2, step_size=0.5).maximize(BilinearGame(*[torch.zeros(1)] * 3, start))
    assert not any(leaf.requires_grad for leaf in end.y)


@pytest.mark.parametrize("steps", [0, 2])
def test_a_parameter_that_is_gone_on_from_gives_its_values(steps):
    problem = Quadratic(0 * SLOPE)
    optimizer = GradientAscent(steps=steps, step_size=0.5)
    end = optimizer.maximize(problem, start=Iterate(torch.nn.Parameter(SLOPE)))
    assert not end.y.requires_grad
    assert torch.equal(end.y, optimizer.maximize(problem, start=Iterate(SLOPE)).y)


def test_random_starts_go_from_the_initial_point_to_anywhere_in_the_set():
    problem = Linear(torch.zeros(1000, 2), constraint=LinfBall(0.5))
    nowhere, halfway, anywhere = (
        PGM(steps=0, step_size=1.0, random_start=share).maximize(problem).y for share in (0.0, 0.5, 1.0)
    )
    assert nowhere.abs().max() == 0
    assert 0.24 < halfway.abs().max() <= 0.25
    assert 0.49 < anywhere.abs().max() <= 0.5


@pytest.mark.parametrize("optimizer", [PGM(steps=120, step_size=0.05), GradientAscent(steps=80, step_size=0.4)])
def test_ascent_on_the_simplex_finds_the_projection_of_the_centre(optimizer):
    centre = torch.tensor([[0.8, 0.4, -1.0], [0.2, 0.3, 0.5]])
    problem = Quadratic(centre, start=torch.full((2, 3), 1 / 3), constraint=Simplex())
    best = optimizer.maximize(problem).y
    torch.testing.assert_close(best, torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.3, 0.5]]), rtol=0, atol=0.06)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: GradientAscent(steps=-1), ValueError, "steps must be at least 0"),
        (lambda: GradientAscent(steps=1.5), TypeError, "steps must be an integer"),
        (lambda: GradientAscent(steps=1, step_size=0.0), ValueError, "step_size must be a finite number above 0"),
        (lambda: PGM(steps=1, step_size=math.nan), ValueError, "step_size must be a finite number above 0"),
        (lambda: PGM(steps=1, step_size=1.0, restarts=0), ValueError, "restarts must be at least 1"),
        (lambda: PGM(steps=1, step_size=1.0, momentum=1.5), ValueError, r"momentum must lie in \[0, 1\]"),
        (lambda: FGSM(step_size=1.0, random_start=-0.1), ValueError, r"random_start must lie in \[0, 1\]"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


class Downhill(Waves):
    """The same landscape for a player who wants it low."""

    signs = -1.0


def test_restarts_keep_the_lowest_value_for_a_player_who_descends():
    noises = [torch.tensor([[0.1], [0.6]]), torch.tensor([[0.8], [0.2]]), torch.tensor([[0.55], [0.9]])]
    alone = PGM(steps=3, step_size=0.05)
    ends = [Downhill([]).objective(alone.maximize(Downhill([noise])).y) for noise in noises]
    best = PGM(steps=3, step_size=0.05, restarts=3).maximize(Downhill(noises)).y
    torch.testing.assert_close(Downhill([]).objective(best), torch.stack(ends).amin(0))


class FromNaN(Quadratic):
    def initial(self):
        return torch.full((2, 2), float("nan"))


def test_a_start_that_is_nan_is_named():
    with pytest.raises(NonFiniteError, match=r"2 of 2 instances .*, since y starts there; let initial\(\) return"):
        GradientAscent(steps=1, step_size=0.1).maximize(FromNaN(torch.ones(2, 2)))
