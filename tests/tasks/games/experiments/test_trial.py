"""Evaluations are counted as passes, and a game is solved where play stays near a minimax point."""

import pytest
import torch

from minimax_l2l import AndersonMixing, CompetitiveGradient, ExtraGradient, GradientAscent, InnerOptimizer
from tasks.games import SUITE
from tasks.games.experiments.trial import SOLVED, trial


class Passing(InnerOptimizer):
    """Walks along x through the origin in steps of one: it is near it once and does not stay."""

    def step(self, oracle, y, state):
        oracle.gradient(y)
        return (y[0] - 1, y[1]), state


def at(name, x, count=2):
    game = SUITE[name].sample(count)
    game.start = torch.full((count, 1), x, dtype=torch.float64), torch.zeros(count, 1, dtype=torch.float64)
    return game


def test_who_starts_at_the_solution_needs_nothing():
    done = trial(GradientAscent(steps=1, step_size=0.1), at("saddle", 0.0), budget=10)
    assert done.evaluations.tolist() == [0, 0]
    assert not done.wrong.any()


def test_who_only_comes_by_has_not_solved_it():
    done = trial(Passing(steps=1), at("xy", 3.0), budget=10)
    assert not done.solved.any()
    assert trial(Passing(steps=1), at("xy", 3.0), budget=3).evaluations.tolist() == [3, 3]


def test_geometric_progress_by_hand():
    """On a saddle of curvature c, x shrinks by 1 - eta c each step."""
    game = at("cgd-saddle", 1.0)
    done = trial(GradientAscent(steps=1, step_size=0.01), game, budget=100)
    steps = next(k for k in range(100) if (1 - 0.12) ** k <= SOLVED)
    assert done.evaluations.tolist() == [steps, steps]


@pytest.mark.parametrize(
    ("optimizer", "passes"),
    [(ExtraGradient(steps=1, step_size=0.05), 2), (CompetitiveGradient(steps=1, step_size=0.05), 4)],
)
def test_each_pass_counts(optimizer, passes):
    done = trial(optimizer, at("cgd-saddle", 1.0), budget=200)
    assert done.solved.all()
    assert (done.evaluations % passes == 0).all()


def test_ends_at_a_point_that_nobody_wants():
    done = trial(AndersonMixing(steps=1), SUITE["swapped-saddle"].sample(5), budget=20)
    assert done.wrong.all()
    assert not done.solved.any()


def test_who_explodes_has_solved_nothing():
    done = trial(GradientAscent(steps=1, step_size=1e200), SUITE["rotated-saddle"].sample(3), budget=10)
    assert not done.solved.any()
    assert not done.wrong.any()


def test_it_is_played_with_the_state_carried_on():
    """Step by step it arrives when one call of as many steps does, which a mixture without memory would not."""
    game, other, far = SUITE["seesaw-1"].sample(4), SUITE["seesaw-1"].sample(4), []
    done = trial(AndersonMixing(steps=1), game, budget=30)
    other.watched = True
    AndersonMixing(steps=30).maximize(other, observe=lambda _, pair: far.append(other.distance(pair) > SOLVED))
    assert game.passes.input_gradient == 30
    last_far = torch.stack(far).long().flip(0).cummax(0).values.sum(0)
    assert done.evaluations.tolist() == [float(steps) if steps <= 30 else torch.inf for steps in last_far.tolist()]
    assert done.solved.any()
