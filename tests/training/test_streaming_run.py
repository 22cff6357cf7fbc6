"""Whole runs whose dense updater never stores its gradient: the same game, refusals and resumption."""

import pytest
import torch
from specimens import Quadratic
from torch import nn

from minimax_l2l import DenseMLPUpdater, InnerProblem, LearnedOptimizer, NonFiniteError, Task
from minimax_l2l.updaters.outer_product import OuterProduct


class Chasing(Task):
    """An inner variable that lives on and follows a wandering centre; theta, where there is one, draws it back."""

    iterations = 8

    def __init__(self, *, theta=False, problem=Quadratic):
        self.outer = nn.Linear(1, 4, bias=False) if theta else None
        self.problem, self.y = problem, torch.full((1, 4), 0.5)
        if theta:
            nn.init.ones_(self.outer.weight)

    def batches(self):
        generator = torch.Generator().manual_seed(4)
        for _ in range(self.iterations):
            yield torch.randn(1, 4, generator=generator)

    def inner_problem(self, batch):
        centre = batch if self.outer is None else batch + self.outer(torch.ones(1, 1))
        problem = self.problem(centre, start=self.y)
        problem.remember = lambda end, _: setattr(self, "y", end.y.clone())
        return problem

    def state_dict(self):
        return {"y": self.y}

    def load_state_dict(self, state):
        self.y = state["y"]


def optimizer(streaming, **options):
    torch.manual_seed(0)
    return LearnedOptimizer(DenseMLPUpdater(4, zero_head=False, streaming=streaming), **options)


def weights(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


@pytest.mark.parametrize("play", ["joint", "alternating"])
@pytest.mark.parametrize("theta", [False, True])
@pytest.mark.parametrize("options", [{}, {"steps": 3}, {"clip_norm": 0.01, "learning_rate": 1e-2}])
def test_a_streaming_run_is_the_plain_run(options, theta, play):
    plain, streaming = (Chasing(theta=theta).solve(optimizer(how, **options), play=play) for how in (False, True))
    for one, other in zip(plain.phi.parameters(), streaming.phi.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert all((a != b).any() for a, b in zip(weights(optimizer(True)), streaming.phi.parameters(), strict=True))


def test_gradients_are_never_formed_on_the_way(monkeypatch):
    monkeypatch.setattr(OuterProduct, "dense", lambda _: pytest.fail("a gradient was formed"))
    Chasing(theta=True).solve(optimizer(True, clip_norm=1.0))


class Rooted(InnerProblem):
    """The objective is finite, its derivative by the last iterate is not."""

    def __init__(self, centre, *, start):
        self.centre, self.start = centre, start

    def initial(self):
        return self.start

    def objective(self, y):
        return (y - self.centre).sum(1)

    def meta_objective(self, y):
        return (0 * y).sum(1).sqrt()


@pytest.mark.parametrize("theta", [False, True])
def test_deltas_that_are_not_finite_leave_both_players_untouched(theta):
    task, learned = Chasing(theta=theta, problem=Rooted), optimizer(True)
    before = weights(learned) + (weights(task.outer) if theta else [])
    with pytest.raises(NonFiniteError, match="became NaN or infinite, so neither player has a step to take"):
        task.solve(learned)
    after = weights(learned) + (weights(task.outer) if theta else [])
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    whole = Chasing(theta=True).solve(optimizer(True))
    Chasing(theta=True).solve(optimizer(True), steps=3, out=tmp_path)
    resumed = Chasing(theta=True).solve(optimizer(True), out=tmp_path, resume=True)
    assert resumed.steps == whole.steps == 8
    for one, other in zip(whole.phi.parameters(), resumed.phi.parameters(), strict=True):
        assert torch.equal(one, other)
