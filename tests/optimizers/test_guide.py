"""A guided step: by hand, what no network can do to it, and what a learned optimizer gets by writing nothing."""

import math

import pytest
import torch
from specimens import Linear, Quadratic
from torch import nn

from minimax_l2l import (
    Box,
    CNNUpdater,
    DenseMLPUpdater,
    Free,
    GradientFeatures,
    GramUpdater,
    InnerProblem,
    IterateFeatures,
    L2Ball,
    LearnedOptimizer,
    LogSignFeatures,
    LowRankUpdater,
    MLPUpdater,
    NonFiniteError,
    RNNUpdater,
    RowUpdater,
    Simplex,
    Task,
)
from minimax_l2l.optimizers.guide import Guide
from tasks.gail.weight_ball import WeightBall

# By hand.


def test_a_step_by_hand():
    """With l = 2 and w = 3: 2 * 1 / (1 + 3) = 1/2, 2 * -9 / (9 + 3) = -3/2 times 10^tanh(1), and 0."""
    guide = Guide()
    with torch.no_grad():
        guide.log_length.fill_(math.log(2))
        guide.log_knee.fill_(math.log(3))
    step = guide(torch.tensor([[1.0, -9.0, 0.0]]), torch.tensor([[0.0, math.log(10), 5.0]]))
    torch.testing.assert_close(step, torch.tensor([[0.5, -1.5 * 10 ** math.tanh(1), 0.0]]))


def test_it_begins_as_a_short_sign_step_far_from_a_solution_and_as_a_gradient_step_near():
    step = Guide()(torch.tensor([[50.0, -2.0, 1e-6]]), torch.zeros(1, 3))
    torch.testing.assert_close(step, torch.tensor([[0.1, -0.1, 1e-4]]), rtol=2e-3, atol=0)


@pytest.mark.parametrize("seed", range(3))
def test_no_network_turns_it_against_the_gradient(seed):
    torch.manual_seed(seed)
    gradient = torch.randn(64, 7) * 10 ** torch.empty(64, 7).uniform_(-8, 4)
    guide = Guide()
    plain = guide(gradient, torch.zeros(64, 7))
    for size in (1, 1e3, 1e30):
        factors = guide(gradient, size * torch.randn(64, 7)) / plain
        assert (factors > 0.0999).all()
        assert (factors < 10.001).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("constraint", [Simplex(), Simplex() & Box(0.0, 1.0)])
def test_on_a_simplex_no_network_turns_it_against_the_gradient_either(constraint, seed):
    torch.manual_seed(seed)
    updater = MLPUpdater()
    nn.init.normal_(updater.head.weight, std=100.0)
    problem = Linear(torch.rand(64, 5) + 3, start=torch.full((64, 5), 0.2), constraint=constraint)
    end = LearnedOptimizer(updater, step_size=0.01).maximize(problem).y
    assert (problem.objective(end) > problem.objective(problem.start)).all()


def test_its_numbers_have_a_rate_of_their_own_and_no_weight_decay():
    for rate, fast in ((1e-3, 0.1), (1e-2, 0.1), (1e-5, 1e-3)):
        optimizer = LearnedOptimizer(MLPUpdater(), learning_rate=rate, weight_decay=0.5)
        network, guide = optimizer.meta_optimizer().param_groups
        assert (network["lr"], network["weight_decay"]) == (rate, 0.5)
        assert guide["lr"] == pytest.approx(fast)
        assert guide["weight_decay"] == 0
        assert {id(one) for one in guide["params"]} == {id(one) for one in optimizer.guide.parameters()}


# Who is guided.


@pytest.mark.parametrize(
    "updater",
    [MLPUpdater(), RNNUpdater(), DenseMLPUpdater(4), LowRankUpdater(4), RowUpdater(((1, 3),))],
    ids=lambda updater: type(updater).__name__,
)
def test_by_writing_nothing_one_is_guided_and_sees_nothing_of_where_y_is(updater):
    optimizer = LearnedOptimizer(updater)
    assert optimizer.guided
    assert repr(optimizer.features) == "LogSignFeatures(iterate=False)"
    problem = Quadratic(torch.tensor([[3.0, -1.0, 0.5, 2.0]]))
    here = optimizer.maximize(problem).y
    there = Quadratic(problem.centre + 100, start=torch.full((1, 4), 100.0))
    torch.testing.assert_close(optimizer.maximize(there).y - 100, here, rtol=0, atol=2e-5)
    assert (problem.objective(here) > problem.objective(torch.zeros(1, 4))).all()


@pytest.mark.parametrize(
    "optimizer",
    [
        LearnedOptimizer(MLPUpdater(), guided=False),
        LearnedOptimizer(MLPUpdater(), features=GradientFeatures()),
        LearnedOptimizer(MLPUpdater(), relative=True),
        LearnedOptimizer(MLPUpdater(1), features=IterateFeatures()),
        LearnedOptimizer(RNNUpdater(gain=0.5)),
        LearnedOptimizer(CNNUpdater.light()),
        LearnedOptimizer(GramUpdater()),
    ],
)
def test_who_says_otherwise_is_not(optimizer):
    assert not optimizer.guided
    assert optimizer.guide is None


def test_one_that_does_not_see_the_gradient_can_be_guided_by_it():
    optimizer = LearnedOptimizer(MLPUpdater(1), features=IterateFeatures(), guided=True)
    problem = Linear(torch.tensor([[1.0, -1.0]]))
    assert (optimizer.maximize(problem).y.sign() == torch.tensor([[1.0, -1.0]])).all()
    assert problem.passes.input_gradient == 1


def test_an_updater_that_says_itself_how_far_to_go_cannot_be():
    with pytest.raises(ValueError, match="GramUpdater says itself how far to go, got guided=True; leave it out"):
        LearnedOptimizer(GramUpdater(), guided=True)


def test_saved_and_loaded_it_is_guided_as_before(tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater())
    with torch.no_grad():
        optimizer.guide.log_length.fill_(0.3)
    optimizer.save_pretrained(tmp_path)
    again = LearnedOptimizer.from_pretrained(tmp_path)
    assert again.guide.log_length.item() == pytest.approx(0.3)
    assert isinstance(again.features, LogSignFeatures)
    assert again.max_relative_step == "auto"


# The longest step of a y that lives on.


class Lasting(Linear):
    lives_on = True


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("constraint", [Free(), WeightBall(1e6)])
def test_k_steps_move_a_y_that_lives_on_by_a_fiftieth(constraint, steps):
    start = torch.tensor([0.25, 0.0, 50.0])[:, None].expand(3, 4)
    problem = Lasting(torch.ones(3, 4), start=start, constraint=constraint)
    moved = LearnedOptimizer(MLPUpdater(), steps=steps).maximize(problem).y - start
    torch.testing.assert_close(moved[0], torch.full((4,), 0.25 * ((1 + 0.02 / steps) ** steps - 1)))
    torch.testing.assert_close(moved[1], torch.full((4,), 0.001))
    torch.testing.assert_close(moved[2], torch.full((4,), 0.01), rtol=1e-3, atol=0)


def test_one_that_is_wild_is_held_back_too():
    updater = MLPUpdater()
    nn.init.constant_(updater.head.bias, 1e6)
    problem = Lasting(torch.ones(1, 4), start=torch.ones(1, 4))
    optimizer = LearnedOptimizer(updater, guided=False)
    torch.testing.assert_close(optimizer.maximize(problem).y, torch.full((1, 4), 1.01))


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (Linear(torch.ones(1, 4)), {}),
        (Lasting(torch.ones(1, 4), constraint=L2Ball(5.0)), {}),
        (Lasting(torch.ones(1, 4)), {"max_relative_step": None}),
    ],
)
def test_elsewhere_steps_are_as_long_as_they_are(problem, options):
    assert LearnedOptimizer(MLPUpdater(), **options).maximize(problem).y.min() > 0.05


# What holds without a word.


class Hills(Task):
    """max over y of -a ||y - top||^2, tops around the origin."""

    def __init__(self, steepness):
        self.steepness = steepness

    def batches(self):
        return torch.randn(300, 32, 4, generator=torch.Generator().manual_seed(0))

    def inner_problem(self, batch):
        return Quadratic(batch, 2 * self.steepness)


def missed(steepness, **options):
    """The mean distance from tops that lie 10 away, after 20 steps of an optimizer trained with two."""
    torch.manual_seed(0)
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2, **options)
    Hills(steepness).solve(optimizer, device="cpu")
    far = Quadratic(5 + torch.randn(64, 4, generator=torch.Generator().manual_seed(1)), 2 * steepness)
    try:
        return (optimizer.maximize(far, steps=20).y - far.centre).norm(dim=1).mean().item()
    except NonFiniteError:
        return math.inf


@pytest.mark.parametrize("steepness", [0.1, 1.0, 10.0])
def test_it_learns_how_to_get_there_and_not_where_it_is(steepness):
    assert missed(steepness) < 0.1


def test_without_guide_it_learns_where_it_is():
    assert missed(1.0, guided=False) > 10


class Circling(InnerProblem):
    """f = theta y, whose y goes on from where it was, which nothing but its memory tells."""

    def __init__(self, task):
        self.task, self.module = task, task.outer

    def initial(self):
        return self.task.y

    def objective(self, y):
        return self.module(y)[:, 0]

    def remember(self, end, gradient):
        self.task.y = end.y


class Circles(Task):
    def __init__(self):
        torch.manual_seed(1)
        self.outer, self.y = nn.Linear(1, 1, bias=False), torch.ones(1, 1)

    def batches(self):
        return [None] * 400

    def inner_problem(self, batch):
        return Circling(self)


@pytest.mark.parametrize("updater", [MLPUpdater, RNNUpdater, lambda: DenseMLPUpdater(1)])
def test_a_y_that_lives_on_does_not_run_away(updater):
    task = Circles()
    task.solve(LearnedOptimizer(updater()), device="cpu")
    assert task.y.abs().item() < 10


def test_that_y_lives_on_is_known_to_a_resumed_run_too(tmp_path):
    torch.manual_seed(2)
    whole, parts = LearnedOptimizer(MLPUpdater()), LearnedOptimizer(MLPUpdater())
    parts.load_state_dict(whole.state_dict())
    ends = []
    for optimizer, stops in ((whole, (6,)), (parts, (1, 6))):
        for stop in stops:
            task = Kept()
            task.solve(optimizer, device="cpu", out=tmp_path / str(len(stops)), steps=stop, resume=stop != stops[0])
        ends.append(task.y)
    assert torch.equal(*ends)


class Kept(Circles):
    def state_dict(self):
        return {"y": self.y}

    def load_state_dict(self, state):
        self.y = state["y"]
