"""What a solve says of networks that it cannot train: not whole, or not in the game."""

import pytest
import torch
from specimens import Linear, Through
from torch import nn

from minimax_l2l import PGM, InnerOptimizer, L2Ball, LearnedOptimizer, MLPUpdater, Task, Updater


class Game(Task):
    """A problem through a network, which is theta or is not."""

    moves_theta = False

    def __init__(self, network=None, outer=None):
        self.network, self.outer = network or nn.Linear(2, 1), outer

    def batches(self):
        return [torch.zeros(2, 2)] * 3

    def inner_problem(self, batch):
        return Through(self.network, batch, constraint=L2Ball(1.0))


class Hasty(InnerOptimizer):
    def __init__(self):
        self.rate = 0.1

    def step(self, oracle, y, state):
        return y, state


class HastyUpdater(Updater):
    def __init__(self):
        self.inputs = 2

    def forward(self, features, state):
        return features[:, 0], state


class HastyNetwork(nn.Module):
    def __init__(self):
        self.width = 3


WHOLE = r"call super\(\).__init__\(...\) in its __init__"


class TestNotWhole:
    """A constructor that never called its base's."""

    def test_an_optimizer(self):
        with pytest.raises(TypeError, match=f"the inner optimizer is a Hasty without weights or modes; {WHOLE}"):
            Game().solve(Hasty(), device="cpu")
        with pytest.raises(TypeError, match=f"the inner optimizer is a Hasty without weights or modes; {WHOLE}"):
            Hasty().maximize(Linear(torch.zeros(1, 2)))

    def test_an_updater(self):
        with pytest.raises(TypeError, match=f"updater is a HastyUpdater without weights or modes; {WHOLE}"):
            LearnedOptimizer(HastyUpdater())

    def test_theta(self):
        with pytest.raises(TypeError, match=f"outer is a HastyNetwork without weights or modes; {WHOLE}"):
            Game(outer=HastyNetwork()).solve(PGM(steps=1, step_size=0.1), device="cpu")


OPTIMIZERS = pytest.mark.parametrize("optimizer", [PGM(steps=1, step_size=0.1), LearnedOptimizer(MLPUpdater())])


class TestThetaThatWasForgotten:
    """Warnings are errors here, so that silence is tested as well."""

    @OPTIMIZERS
    def test_is_said_once(self, optimizer):
        with pytest.warns(
            UserWarning, match="outer is None, so the weights of the problem's module, a Linear, "
        ) as said:
            Game().solve(optimizer, device="cpu")
        assert [warning.filename for warning in said] == [__file__]

    @OPTIMIZERS
    def test_not_of_a_network_that_is_theta_or_frozen_or_moved_otherwise(self, optimizer):
        network = nn.Linear(2, 1)
        Game(network, network).solve(optimizer, device="cpu")
        moved = Game(network)
        moved.moves_theta = True
        moved.solve(optimizer, device="cpu")
        Game(network.requires_grad_(False)).solve(optimizer, device="cpu")
