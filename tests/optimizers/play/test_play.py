"""What all methods for games owe: passes as told, games apart from each other, sets kept, circles left inwards."""

import copy
import math

import pytest
import torch
from duels import path, xy
from torch import Tensor

from minimax_l2l import (
    AnchoredExtraGradient,
    AndersonMixing,
    CompetitiveGradient,
    ConsensusOptimization,
    ExtraGradient,
    GradientAscent,
    KBeam,
    Lookahead,
    OptimisticAscent,
    PastExtraGradient,
    SymplecticAdjustment,
    TwoTimeScales,
)
from minimax_l2l.trees import map_leaves
from tasks.games import SUITE, Kind, spiral_factor

ETA = 0.3
PASSES = {
    TwoTimeScales(steps=20, step_sizes=(ETA, ETA)): 1,
    OptimisticAscent(steps=20, step_size=ETA): 1,
    PastExtraGradient(steps=20, step_size=ETA): 1,
    AndersonMixing(steps=20, step_size=ETA): 1,
    Lookahead(GradientAscent(steps=20, step_size=ETA)): 1,
    ExtraGradient(steps=20, step_size=ETA): 2,
    AnchoredExtraGradient(steps=20, step_size=ETA): 2,
    ConsensusOptimization(steps=20, step_size=ETA): 2,
    SymplecticAdjustment(steps=20, step_size=ETA): 3,
    CompetitiveGradient(steps=20, step_size=ETA): 4,
    KBeam(steps=20, step_size=ETA, beams=3): 3,
}
every_method = pytest.mark.parametrize("optimizer", PASSES, ids=repr)
SETTLES = [optimizer for optimizer in PASSES if not isinstance(optimizer, TwoTimeScales | KBeam)]


@every_method
@pytest.mark.parametrize("family", ["forsaken", "func2"])
def test_a_step_costs_the_passes_that_are_told(optimizer, family):
    game = SUITE[family].sample(3)
    optimizer.maximize(game, steps=6)
    assert game.passes.input_gradient == 6 * PASSES[optimizer]


@every_method
@pytest.mark.parametrize("family", ["ratio-mixed", "matrix-5-printed"])
def test_games_played_together_end_where_each_ends_alone(optimizer, family):
    def play(game):
        game.noise = lambda y, draw: map_leaves(lambda leaf: torch.full_like(leaf, draw / 5), y)
        return path(optimizer, game, 8)

    together = SUITE[family].sample(3)
    whole = play(together)
    for row in range(3):
        alone = copy.copy(together)
        for name, value in vars(together).items():
            if isinstance(value, Tensor) and value.shape[:1] == (3,):
                setattr(alone, name, value[row : row + 1])
        alone.start = tuple(leaf[row : row + 1] for leaf in together.start)
        torch.testing.assert_close(play(alone), whole[:, row : row + 1], rtol=1e-5, atol=1e-7)


@every_method
@pytest.mark.parametrize("family", ["ratio-mixed", "ratio-corner", "polar"])
def test_iterates_stay_in_the_set(optimizer, family):
    game = SUITE[family].sample(5)
    for pair in path(optimizer, game, 10):
        assert game.constraint.violation(game.pair(pair)).max() < 1e-12


@every_method
def test_where_the_field_is_zero_nobody_moves(optimizer):
    game = SUITE["func4"].sample(1)
    game.noise = lambda y, draw: map_leaves(lambda leaf: torch.full_like(leaf, 0.5), y)  # no beam is strewn
    game.start = game.pair(game.stationary()[:, 0])
    assert (path(optimizer, game, 2) - game.stationary()[:, 0]).abs().max() < 1e-12


def test_on_xy_gradient_play_leaves_by_a_factor_per_step_in_two_time_scales_as_well():
    plain = path(GradientAscent(steps=1, step_size=ETA), xy(), 100).norm(dim=2)
    torch.testing.assert_close(plain[-1], plain[0] * math.sqrt(1 + ETA**2) ** 100)
    assert spiral_factor(ETA) == math.sqrt(1 + ETA**2)
    # With z = (x sqrt(b), y sqrt(a)) a step with sizes a for x and b for y is a rotation times sqrt(1 + a b).
    points = path(TwoTimeScales(steps=1, step_sizes=(0.04, 0.25)), xy(), 100)[:, 0]
    scaled = points * torch.tensor([0.5, 0.2], dtype=torch.float64)
    torch.testing.assert_close(scaled[-1].norm(), scaled[0].norm() * math.sqrt(1.01) ** 100)


@pytest.mark.parametrize("optimizer", SETTLES, ids=repr)
def test_on_xy_the_others_come_nearer(optimizer):
    distances = path(optimizer, xy(1.0, 0.5), 100).norm(dim=2)
    assert distances[100] < distances[0] / 10
    assert distances[100] <= distances[50]


@pytest.mark.parametrize("family", ["polar", "global-forsaken"])
def test_gradient_play_is_caught_by_a_cycle_and_extragradient_is_not(family):
    game = SUITE[family].sample(5)
    game.watched = True
    assert game.distance(GradientAscent(steps=200, step_size=0.1).maximize(game).y).min() > 0.9
    assert game.distance(ExtraGradient(steps=100, step_size=0.3).maximize(game).y).max() < 1e-2


@pytest.mark.parametrize("family", ["ratio-mixed", "ratio-corner"])
@pytest.mark.parametrize("kind", [ExtraGradient, OptimisticAscent])
def test_on_simplices_play_settles(family, kind):
    game = SUITE[family].sample(5)
    assert game.distance(kind(steps=200, step_size=0.3).maximize(game).y).max() < 1e-2


def test_a_method_that_seeks_zeros_of_the_field_ends_at_wrong_ones():
    """From a wide start, on func4: one Nash equilibrium and two points that no player wants."""

    def wrong(optimizer):
        game = SUITE["func4-wide"].sample(60)
        game.watched = True
        return (game.distance(optimizer.maximize(game).y, [Kind.SPURIOUS]) < 1e-2).double().mean()

    assert wrong(AndersonMixing(steps=100, step_size=0.1)) > 0.3
    assert wrong(GradientAscent(steps=200, step_size=0.1)) < 0.15


def test_competitive_play_reaches_the_covariance():
    game = SUITE["covariance-4"].sample(3)
    before = game.distance(game.start)
    assert (game.distance(CompetitiveGradient(steps=60, step_size=0.5).maximize(game).y) < before / 4).all()
