"""Games of every size: each has one solution, and is drawn without being looked at."""

import pytest
import torch

from tasks.games.experiments import sizes
from tasks.games.experiments.sizes import SizedJob, play, sized_games


@pytest.mark.parametrize("size", [1, 5])
def test_the_only_point_is_an_equilibrium(size):
    game = sized_games(size)
    points = game.stationary()[:, 0]
    assert game.field(game.pair(points)).abs().max() < 1e-9
    told = game.kinds
    del vars(game)["kinds"]
    assert torch.equal(game.kinds, told)


def test_a_row_tells_of_the_size(monkeypatch):
    monkeypatch.setattr(sizes, "BUDGET", 60)
    row = play(SizedJob(5, "gram-games", None))
    assert (row["dimensions"], row["solvable"], row["solved"]) == (10, 20, 20)
    assert row["evaluations"] <= 15
