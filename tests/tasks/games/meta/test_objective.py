"""Progress: nearer to a solution is better, and so is farther from what is none."""

import math

import pytest
import torch

from tasks.games import SUITE
from tasks.games.meta.objective import LOST, NEAR, progress


def at(name, x, y):
    game = SUITE[name].sample(1)
    solvable = game.distance(game.initial()).isfinite()
    return progress(game, tuple(torch.tensor([[v]], dtype=torch.float64) for v in (x, y)), solvable=solvable).item()


def test_by_hand():
    assert at("xy", 3.0, 4.0) == pytest.approx(-math.log(5 + NEAR))
    assert at("swapped-saddle", 0.0, 0.09) == pytest.approx(math.log(0.091) / 2)


def test_nearer_is_better_where_there_is_a_solution_and_worse_where_there_is_none():
    assert at("xy", 0.1, 0.0) > at("xy", 0.2, 0.0)
    assert at("swapped-saddle", 0.1, 0.0) < at("swapped-saddle", 0.2, 0.0)
    assert at("swapped-saddle", 2.0, 0.0) == at("swapped-saddle", 50.0, 0.0)


@pytest.mark.parametrize("name", ["xy", "swapped-saddle"])
def test_what_left_the_numbers_is_lost(name):
    assert at(name, math.nan, 1.0) == LOST


def test_nothing_is_worse_than_lost():
    assert at("xy", 1e9, 0.0) == LOST
