"""NoisyGame: gradients as noisy as told, new noise each time, and the game's own solutions."""

import torch

from minimax_l2l import Oracle, leaves
from tasks.games import SUITE
from tasks.games.experiments.noisy import NoisyGame


def test_gradients_have_noise_and_distances_have_none():
    game = SUITE["matrix-5-printed"].sample(2000)
    noisy = NoisyGame(game, 0.01)
    pair = game.initial()
    with Oracle(game) as plain, Oracle(noisy) as shaken:
        exact, first, second = (torch.cat(leaves(oracle.gradient(pair)), 1) for oracle in (plain, shaken, shaken))
    assert abs((first - exact).std().item() - 0.01) < 3e-4
    assert abs((first - exact).mean().item()) < 3e-4
    assert not torch.equal(first, second)
    assert torch.equal(noisy.distance(pair), game.distance(pair))


def test_a_set_stays():
    game = SUITE["ratio-mixed"].sample(2)
    assert NoisyGame(game, 0.01).constraint is game.constraint
