"""L-BFGS on a batch: fast on valleys, never downhill, each instance with its own curvature."""

import pytest
import torch
from specimens import Quadratic

from minimax_l2l import LBFGS, Box, GradientAscent, InnerProblem, L2Ball
from minimax_l2l.trees import leaves

CENTRE = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.5, -0.5], [-4.0, 0.1, 2.0]], dtype=torch.float64)
VALLEY = torch.tensor([100.0, 10.0, 1.0], dtype=torch.float64)


class Rosenbrock(InnerProblem):
    """f(y) = -(1 - y_1)^2 - 100 (y_2 - y_1^2)^2, highest at (1, 1)."""

    def initial(self):
        return torch.tensor([[-1.2, 1.0], [0.0, 0.0]], dtype=torch.float64)

    def objective(self, y):
        one, two = y.unbind(1)
        return -((1 - one) ** 2) - 100 * (two - one**2) ** 2


class Basins(InnerProblem):
    """f(y) = sum_j cos(y_j): convex at the start, concave near the tops at multiples of 2 pi."""

    def initial(self):
        return torch.tensor([[2.0, -2.5], [0.5, 3.0]], dtype=torch.float64)

    def objective(self, y):
        return y.cos().sum(1)


class Pair(InnerProblem):
    """The quadratic with its entries in two leaves."""

    def initial(self):
        return CENTRE[:, :1] * 0, CENTRE[:, 1:] * 0

    def objective(self, y):
        return Quadratic(CENTRE, VALLEY).objective(torch.cat(leaves(y), dim=1))


def path(optimizer, problem):
    seen = []
    optimizer.maximize(problem, observe=lambda _, y: seen.append(y))
    return seen


def test_a_narrow_valley_is_crossed_in_a_dozen_steps():
    best = LBFGS(steps=12, step_size=0.1).maximize(Quadratic(CENTRE, VALLEY)).y
    torch.testing.assert_close(best, CENTRE, rtol=0, atol=1e-4)
    slow = GradientAscent(steps=12, step_size=0.02).maximize(Quadratic(CENTRE, VALLEY)).y
    assert (slow - CENTRE).abs().max() > 1


def test_the_first_step_has_its_length():
    first = path(LBFGS(steps=1, step_size=0.1), Quadratic(CENTRE))[1]
    torch.testing.assert_close(first, 0.1 * CENTRE / CENTRE.norm(dim=1, keepdim=True))


def test_the_second_step_on_a_round_hill_reaches_its_top():
    """With curvature 1 the pair (s, d) has d = s, so H = I and d_1 = g_1 = centre - y_1."""
    torch.testing.assert_close(path(LBFGS(steps=2, step_size=0.1), Quadratic(CENTRE))[2], CENTRE)


@pytest.mark.parametrize("problem", [Rosenbrock(), Basins()])
def test_the_objective_never_falls(problem):
    values = torch.stack([problem.objective(y) for y in path(LBFGS(steps=60, step_size=0.1), problem)])
    assert (values.diff(dim=0) >= 0).all()
    tops = torch.tensor([0.0, 0.0]) if isinstance(problem, Rosenbrock) else torch.tensor([2.0, 2.0])
    torch.testing.assert_close(values[-1], tops.double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("problem", [Rosenbrock(), Basins(), Quadratic(CENTRE, VALLEY)])
def test_a_batch_is_a_loop_over_its_instances(problem):
    optimizer = LBFGS(steps=8, step_size=0.1, memory=3)
    together = path(optimizer, problem)
    start = problem.initial()
    for i in range(len(start)):
        alone = type(problem)(CENTRE[i : i + 1], VALLEY) if isinstance(problem, Quadratic) else type(problem)()
        alone.initial = lambda i=i: start[i : i + 1]
        for whole, single in zip(together, path(optimizer, alone), strict=True):
            torch.testing.assert_close(whole[i : i + 1], single, rtol=1e-12, atol=1e-12)


def test_the_leaves_of_a_tuple_share_their_curvature():
    pair = LBFGS(steps=6, step_size=0.1).maximize(Pair()).y
    whole = LBFGS(steps=6, step_size=0.1).maximize(Quadratic(CENTRE, VALLEY)).y
    torch.testing.assert_close(torch.cat(pair, dim=1), whole)


@pytest.mark.parametrize("constraint", [Box(-0.6, 0.8), L2Ball(1.0)])
def test_iterates_stay_feasible_and_end_at_the_constrained_top(constraint):
    walked = path(LBFGS(steps=30, step_size=0.1), Quadratic(CENTRE, constraint=constraint))
    assert max(constraint.violation(y).max().item() for y in walked) <= 1e-6
    torch.testing.assert_close(walked[-1], constraint.project(CENTRE), rtol=0, atol=1e-3)


def test_an_instance_at_its_top_stays_there():
    walked = path(LBFGS(steps=3, step_size=0.1), Quadratic(CENTRE, start=CENTRE))
    assert all(torch.equal(y, CENTRE) for y in walked)


def test_values_in_the_line_search_are_counted():
    problem = Quadratic(CENTRE)
    LBFGS(steps=2, step_size=0.1).maximize(problem)
    assert (problem.passes.forward, problem.passes.input_gradient, problem.passes.weight_gradient) == (4, 2, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"step_size": 0.0}, "step_size must be a finite number above 0"),
        ({"step_size": 1.0, "memory": 0}, "memory must be at least 1"),
        ({"step_size": 1.0, "backtracks": -1}, "backtracks must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        LBFGS(steps=1, **options)
