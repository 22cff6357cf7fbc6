"""Gradient play with a step size for each player."""

import pytest
import torch
from duels import by_hand, path, xy

from minimax_l2l import GradientAscent, TwoTimeScales
from tasks.games import SUITE


def test_two_steps_by_hand():
    by_hand(TwoTimeScales(steps=2, step_sizes=(0.1, 0.5)), xy(1.0, 2.0), (0.8, 2.5), (0.55, 2.9))


def test_equal_step_sizes_are_gradient_play():
    same, plain = TwoTimeScales(steps=5, step_sizes=(0.1, 0.1)), GradientAscent(steps=5, step_size=0.1)
    assert torch.equal(path(same, xy(), 5), path(plain, xy(), 5))


def test_a_fast_y_brings_x_to_a_local_minimax_point_that_repels_gradient_play():
    """On Ridge 1 the field's derivative has trace 2 t - 6 and determinant 4 t, t how much faster y is."""
    game = SUITE["ridge-1"].sample(5)
    assert game.distance(TwoTimeScales(steps=300, step_sizes=(0.04, 0.4)).maximize(game).y).max() < 1e-3
    game.watched = True
    assert game.distance(GradientAscent(steps=100, step_size=0.03).maximize(game).y).min() > 100


def test_as_many_step_sizes_as_leaves():
    with pytest.raises(ValueError, match="step_sizes holds 3 and y has 2 leaves"):
        TwoTimeScales(steps=1, step_sizes=(0.1, 0.2, 0.3)).maximize(xy())
