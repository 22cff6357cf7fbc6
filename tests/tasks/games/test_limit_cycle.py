"""f = xy: gradient play leaves or circles by exactly so much, a learned optimizer that never met it settles."""

import math

import pytest
import torch

from minimax_l2l import AlternatingAscent, GradientAscent, Status
from tasks.games import BilinearGame, LimitCycle, orbit, spiral_factor

STARTS = [(1.0, 0.0), (0.0, 2.0), (-1.0, -1.0), (3.0, -2.0)]


def game(a, p, q, x, y) -> BilinearGame:
    a, p, q, x, y = (torch.tensor([value], dtype=torch.float64) for value in (a, p, q, x, y))
    return BilinearGame(a, p, q, (x[:, None], y[:, None]))


class TestGame:
    def test_objective_by_hand(self):
        problem = game(2, 1, -1, 3, 4)
        assert problem.objective(problem.initial()).item() == 2 * (3 - 1) * (4 + 1)

    def test_x_descends_and_y_ascends(self):
        problem = game(2, 1, -1, 3, 4)  # one step of 0.1: x - 0.1 * 2 * (4 + 1), y + 0.1 * 2 * (3 - 1)
        x, y = GradientAscent(steps=1, step_size=0.1).maximize(problem).y
        assert (x.item(), y.item()) == pytest.approx((2.0, 4.4))

    @pytest.mark.parametrize("requires_grad", [True, False])
    def test_meta_objective_by_hand(self, requires_grad):
        problem = game(2, 1, -1, 3, 4)
        pair = tuple(leaf.requires_grad_(requires_grad) for leaf in problem.initial())
        value = problem.meta_objective(pair)  # F = (2 * 5, 2 * 2)
        assert value.item() == pytest.approx(-math.log(math.hypot(10, 4)))
        if requires_grad:  # d/dx -log ||F|| = -a (x - p) a / ||F||^2
            x, y = torch.autograd.grad(value, pair)
            assert (x.item(), y.item()) == pytest.approx((-2 * 4 / 116, -2 * 10 / 116))

    def test_meta_objective_costs_a_pass(self):
        problem = game(2, 1, -1, 3, 4)
        problem.meta_objective(problem.initial())
        assert problem.passes.input_gradient == 1

    def test_meta_objective_at_rest_is_finite(self):
        problem = game(1, 0, 0, 0, 0)
        assert torch.isfinite(problem.meta_objective(problem.initial())).all()


class TestGradientPlay:
    @pytest.mark.parametrize("step_size", [0.02, 0.1, 0.3])
    @pytest.mark.parametrize("a", [1.0, 0.5])
    def test_simultaneous_play_spirals_out_by_a_factor_a_step(self, step_size, a):
        path = orbit(GradientAscent(steps=1, step_size=step_size), steps=200, start=(1.0, 0.5), a=a)
        norms = path.norm(dim=1)
        factor = spiral_factor(step_size, a)
        assert factor == math.sqrt(1 + (a * step_size) ** 2)
        assert ((norms[1:] / norms[:-1]) - factor).abs().max() < 1e-10

    def test_it_turns_by_arctan_of_the_step(self):
        path = orbit(GradientAscent(steps=1, step_size=0.1), steps=100)
        angles = torch.atan2(path[:, 1], path[:, 0])
        turns = torch.remainder(angles[1:] - angles[:-1], 2 * math.pi)
        assert (turns - math.atan(0.1)).abs().max() < 1e-12

    @pytest.mark.parametrize("step_size", [0.02, 0.1, 0.3])
    def test_alternating_play_stays_on_its_ellipse(self, step_size):
        """With x' = x - h y and y' = y + h x', x'^2 + y'^2 - h x'y' = x^2 + y^2 - h x y."""
        path = orbit(AlternatingAscent(steps=1, step_size=step_size), steps=400, start=(1.0, 0.5))
        x, y = path.T
        invariant = x.square() + y.square() - step_size * x * y
        assert (invariant / invariant[0] - 1).abs().max() < 1e-10
        # The quadratic form lies between (1 -+ h/2) times the squared distance.
        bound = math.sqrt((1 + step_size / 2) / (1 - step_size / 2)) * path[0].norm()
        assert path.norm(dim=1).max() <= bound * (1 + 1e-12)
        assert path.norm(dim=1).min() >= path[0].norm() ** 2 / bound * (1 - 1e-12)

    def test_around_any_solution(self):
        around_zero = orbit(GradientAscent(steps=1, step_size=0.1), steps=50, start=(1.0, 0.0))
        moved = orbit(GradientAscent(steps=1, step_size=0.1), steps=50, start=(3.0, -1.0), solution=(2.0, -1.0))
        torch.testing.assert_close(moved - torch.tensor([2.0, -1.0]).double(), around_zero)


class TestOrbit:
    @pytest.mark.parametrize("make", [GradientAscent, AlternatingAscent])
    def test_starts_where_it_is_told_and_remembers_both_players(self, make):
        path = orbit(make(steps=7, step_size=0.1), steps=3, start=(1.0, 2.0))
        assert path.shape == (4, 2)
        assert path[0].tolist() == [1.0, 2.0]
        longer = orbit(make(steps=7, step_size=0.1), steps=2, start=tuple(path[1].tolist()))
        assert torch.equal(longer, path[1:])  # the rest of an orbit depends on where both are, on nothing else

    def test_setting_y_back_would_make_plain_ascent_converge_which_is_why_nobody_does(self):
        x = 1.0
        for _ in range(100):
            y = 0.1 * x
            x = x - 0.1 * y
        assert abs(x) < 0.4
        assert orbit(GradientAscent(steps=1, step_size=0.1), steps=100)[-1].norm() > 1.6

    def test_the_optimizer_keeps_its_number_of_steps(self):
        optimizer = GradientAscent(steps=7, step_size=0.1)
        orbit(optimizer, steps=3)
        assert optimizer.steps == 7

    @pytest.mark.parametrize("steps", [-1, 1.5])
    def test_steps_that_make_no_sense(self, steps):
        with pytest.raises((ValueError, TypeError), match="steps must be"):
            orbit(GradientAscent(steps=1), steps=steps)


@pytest.fixture(scope="module")
def learned():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    optimizer = LimitCycle.learned_optimizer(steps=32)
    solution = LimitCycle(iterations=60, games=32).solve(optimizer, device="cpu")
    assert solution.status is Status.COMPLETED
    return optimizer


class TestTraining:
    def test_f_equal_xy_is_never_among_the_games(self):
        draws = [torch.stack(batch) for batch in LimitCycle(iterations=40, games=64, seed=3).batches()]
        a, p, q, x, y = torch.cat(draws, dim=1)
        assert (((a >= 0.5) & (a <= 0.9)) | ((a >= 1.1) & (a <= 2.0))).all()
        for coordinate in (p, q, x - p, y - q):
            assert (coordinate.abs() >= 0.1 - 1e-6).all()
            assert (coordinate.abs() <= 2 + 1e-6).all()
            assert 0.4 < (coordinate > 0).float().mean() < 0.6

    def test_batches_are_the_same_each_time(self):
        task = LimitCycle(iterations=3, games=4)
        once, again = (torch.stack([torch.stack(batch) for batch in task.batches()]) for _ in range(2))
        assert torch.equal(once, again)
        assert not torch.equal(once[0], once[1])
        other = torch.stack([torch.stack(batch) for batch in LimitCycle(iterations=3, games=4, seed=1).batches()])
        assert not torch.equal(once, other)

    @pytest.mark.parametrize(("name", "value"), [("iterations", -1), ("games", 0)])
    def test_counts_that_make_no_sense(self, name, value):
        with pytest.raises(ValueError, match=f"{name} must be at least"):
            LimitCycle(**{name: value})

    @pytest.mark.parametrize("start", STARTS)
    def test_a_learned_optimizer_settles_where_plain_ones_do_not(self, learned, start):
        path = orbit(learned, steps=300, start=start)
        assert path[0].tolist() == pytest.approx(start)
        distance = path.norm(dim=1)
        assert distance[-1] < 5e-3
        assert distance[200] < distance[100] < distance[0] / 3
        plain = orbit(GradientAscent(steps=1, step_size=0.1), steps=300, start=start).norm(dim=1)
        assert plain[-1] == pytest.approx(plain[0].item() * 1.01**150)
        alternating = orbit(AlternatingAscent(steps=1, step_size=0.1), steps=300, start=start).norm(dim=1)
        assert alternating.min() > 0.9 * alternating[0]

    def test_it_does_before_any_training_what_gradient_play_does(self):
        path = orbit(LimitCycle.learned_optimizer(steps=16), steps=100)
        assert path[-1].norm() > path[0].norm()
