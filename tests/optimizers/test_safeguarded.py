"""Safeguarded: its base where that gets on, extragradient where it does not, instance by instance."""

import pytest
import torch
from torch import nn

from minimax_l2l import (
    ExtraGradient,
    GradientAscent,
    InnerOptimizer,
    LearnedOptimizer,
    MLPUpdater,
    NonFiniteError,
    Safeguarded,
    leaves,
)
from tasks.games import SUITE, QuadraticGame, gram_optimizer
from tasks.games.experiments.trial import trial

ETA = 0.1


class Away(InnerOptimizer):
    """Leaves, twice as far each time."""

    def __init__(self):
        super().__init__(steps=4)

    def step(self, oracle, y, state):
        oracle.gradient(y)
        return tuple(2 * leaf + 1 for leaf in y), state


class Lost(Away):
    """Knows no numbers."""

    def step(self, oracle, y, state):
        oracle.gradient(y)
        return tuple(leaf * torch.nan for leaf in y), state


def points(optimizer, game, steps):
    pairs = []
    game.watched = True
    optimizer.maximize(game, steps=steps, observe=lambda _, pair: pairs.append(torch.cat(leaves(pair), dim=1)))
    return torch.stack(pairs)


def xy(count=3):
    start = torch.ones(count, 1, dtype=torch.float64), torch.ones(count, 1, dtype=torch.float64)
    return QuadraticGame(start, torch.ones(count, 1, 1, dtype=torch.float64))


@pytest.mark.parametrize("base", [Away(), Lost()])
def test_a_base_of_no_use_costs_one_window_and_is_extragradient_then(base):
    guarded = points(Safeguarded(base, step_size=ETA, window=3), xy(), 20)
    plain = points(ExtraGradient(steps=1, step_size=ETA), xy(), 17)
    torch.testing.assert_close(guarded[4:], plain[1:], rtol=0, atol=1e-14)


def test_a_base_that_gets_on_is_followed_two_steps_at_a_time():
    game = SUITE["ridge-1"].sample(4)
    guarded = points(Safeguarded(gram_optimizer(), window=2), game, 4)
    alone = points(gram_optimizer(), SUITE["ridge-1"].sample(4), 8)
    torch.testing.assert_close(guarded, alone[::2], rtol=1e-9, atol=1e-12)


def test_where_extragradient_explodes_it_begins_again_with_a_quarter_of_its_step():
    """Of these steps only the fifth, 0.1 / 4^4, is shorter than one over the curvature."""
    start = torch.ones(2, 1, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    none, steep = (torch.full((2, 1, 1), curvature, dtype=torch.float64) for curvature in (0.0, 1000.0))
    game = QuadraticGame(start, none, p=steep, q=steep)
    path = points(Safeguarded(Lost(), step_size=ETA, window=1), game, 60)
    assert path[3:].isfinite().all()
    assert (path[-1].abs() < 1e-3).all()


def test_a_game_on_which_extragradient_overflows_does_not_cost_the_others():
    def games():
        return SUITE["func4-wide"].sample(50, seed=3)

    with torch.no_grad(), pytest.raises(NonFiniteError):
        ExtraGradient(steps=150, step_size=ETA).maximize(games())
    with torch.no_grad():
        end = Safeguarded(LearnedOptimizer.from_pretrained("gram-games"), steps=150).maximize(game := games())
    assert (game.distance(end.y) < 1e-3).all()


def test_each_step_costs_two_gradients_whoever_makes_it():
    for base in (Away(), gram_optimizer(), GradientAscent(steps=1, step_size=ETA)):
        game = xy()
        Safeguarded(base, window=2).maximize(game, steps=7)
        assert game.passes.input_gradient == 14


def test_instances_are_judged_one_by_one():
    """Gradient play settles a saddle and leaves xy: one keeps it, the other loses it."""
    start = torch.ones(2, 1, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    a = torch.tensor([0.0, 1.0], dtype=torch.float64)[:, None, None]
    bowl = torch.tensor([2.0, 0.0], dtype=torch.float64)[:, None, None]
    game = QuadraticGame(start, a, p=bowl, q=bowl)
    base = GradientAscent(steps=1, step_size=ETA)
    path = points(Safeguarded(base, step_size=ETA, window=4), game, 24)
    saddle = points(base, QuadraticGame(start, a, p=bowl, q=bowl), 48)[::2, 0]
    torch.testing.assert_close(path[:, 0], saddle)
    distance = path[:, 1].norm(dim=1)
    assert distance[4] > distance[0]
    assert distance[5] < distance[0]
    assert (distance[6:] < distance[5:-1]).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_base_that_has_settled_the_game_is_not_sent_away(dtype):
    """A residual of rounding errors cannot be halved, and extragradient would leave the solution."""
    game = SUITE["weak-interaction"].sample(10, seed=3).with_tensors(lambda tensor: tensor.to(dtype))
    game.watched = True
    with torch.no_grad():
        end = Safeguarded(LearnedOptimizer.from_pretrained("gram-games"), steps=60).maximize(game)
    assert (game.distance(end.y) < 1e-3).all()


def needed(optimizer, name):
    """Gradients after which each of ten games stays within 1e-3 of its solution."""
    return trial(optimizer, SUITE[name].sample(10, seed=1), budget=300).evaluations


@pytest.mark.parametrize("name", ["rotated-saddle", "cgd-bilinear-6", "seesaw-3"])
def test_with_a_wild_network_it_is_never_far_behind_extragradient(name):
    """At most 1.5 times its gradients, where it needs two windows or more."""
    torch.manual_seed(0)
    wild = LearnedOptimizer(MLPUpdater(), guided=False)
    nn.init.normal_(wild.updater.head.weight)
    plain, guarded = needed(ExtraGradient(steps=1, step_size=ETA), name), needed(Safeguarded(wild), name)
    settled = (plain >= 40) & (plain < 190)
    assert settled.any()
    assert (guarded[settled] <= 1.5 * plain[settled]).all()


def test_phi_of_the_base_learns_through_it():
    torch.manual_seed(0)
    optimizer = Safeguarded(LearnedOptimizer(MLPUpdater()))
    game = xy()
    game.distance(optimizer.maximize(game, steps=2).y).sum().backward()
    assert optimizer.learns
    assert optimizer.base.updater.head.weight.grad.any()
    assert optimizer.meta_optimizer().param_groups[0]["maximize"]


def test_it_takes_half_as_many_steps_as_its_base_unless_told():
    assert Safeguarded(GradientAscent(steps=7, step_size=ETA)).steps == 4
    assert Safeguarded(GradientAscent(steps=7, step_size=ETA), steps=3).steps == 3
