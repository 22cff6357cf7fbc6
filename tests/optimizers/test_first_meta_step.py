"""The first meta-step raises the objective on its batch, for every updater at the library's own learning rates."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector

from minimax_l2l import (
    DenseMLPUpdater,
    GradientFeatures,
    InnerProblem,
    LearnedOptimizer,
    LogSignFeatures,
    LowRankUpdater,
    MLPUpdater,
    RNNUpdater,
    RowUpdater,
)


class Discriminator(InnerProblem):
    """J = E_policy[log D] + E_expert[log(1 - D)] of a tanh network on pairs of six numbers, by its flat weights."""

    def __init__(self, widths, seed):
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        layers = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.Tanh()]
        self.network = nn.Sequential(*layers[:-1])
        self.policy = torch.randn(1024, widths[0], generator=generator)
        self.expert = 0.5 * torch.randn(1024, widths[0], generator=generator) + 0.3

    def initial(self):
        return parameters_to_vector(self.network.parameters()).detach()[None]

    def objective(self, y):
        named = list(self.network.named_parameters())
        parts = y[0].split([weight.numel() for _, weight in named])
        weights = {name: part.view_as(old) for (name, old), part in zip(named, parts, strict=True)}
        policy, expert = (functional_call(self.network, weights, (pairs,)) for pairs in (self.policy, self.expert))
        return (F.logsigmoid(policy).mean() + F.logsigmoid(-expert).mean())[None]


PAPER, SMALL = (6, 64, 32, 1), (6, 16, 8, 1)  # 2,561 weights, and 257 for what grows with their square
SHAPES = ((64, 6), (32, 64), (1, 32))
OPTIMIZERS = {
    "MLP": (PAPER, lambda: LearnedOptimizer(MLPUpdater())),
    "MLP without guide": (PAPER, lambda: LearnedOptimizer(MLPUpdater(), guided=False)),
    "MLP, log and sign": (PAPER, lambda: LearnedOptimizer(MLPUpdater(3), features=LogSignFeatures())),
    "MLP, bounded": (PAPER, lambda: LearnedOptimizer(MLPUpdater(), max_relative_step=0.01)),
    "RNN": (PAPER, lambda: LearnedOptimizer(RNNUpdater())),
    "RNN, three steps": (PAPER, lambda: LearnedOptimizer(RNNUpdater(), guided=False, steps=3)),
    "rows": (PAPER, lambda: LearnedOptimizer(RowUpdater(SHAPES))),
    "rows without guide": (PAPER, lambda: LearnedOptimizer(RowUpdater(SHAPES), guided=False)),
    "rows, log and sign": (PAPER, lambda: LearnedOptimizer(RowUpdater(SHAPES, 3), features=LogSignFeatures())),
    "low rank": (PAPER, lambda: LearnedOptimizer(LowRankUpdater(2561))),
    "low rank, raw gradients": (
        PAPER,
        lambda: LearnedOptimizer(LowRankUpdater(2561), features=GradientFeatures("none")),
    ),
    "dense": (SMALL, lambda: LearnedOptimizer(DenseMLPUpdater(257))),
    "dense without guide": (SMALL, lambda: LearnedOptimizer(DenseMLPUpdater(257), guided=False)),
    "dense, streaming": (SMALL, lambda: LearnedOptimizer(DenseMLPUpdater(257, streaming=True))),
    "dense, streaming, bounded": (
        SMALL,
        lambda: LearnedOptimizer(DenseMLPUpdater(257, streaming=True), max_relative_step=0.01, clip_norm=1.0),
    ),
}


def before_and_after_a_meta_step(widths, make, seed):
    problem = Discriminator(widths, seed)
    optimizer = make()
    adam, before = optimizer.meta_optimizer(), problem.objective(optimizer.maximize(problem).y).mean()
    before.backward()
    adam.step()
    with torch.no_grad():
        after = problem.objective(optimizer.maximize(problem).y).mean()
    return before.item(), after.item()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_meta_step_raises_the_objective_on_its_batch(name, seed):
    before, after = before_and_after_a_meta_step(*OPTIMIZERS[name], seed)
    assert after > before


@pytest.mark.parametrize("seed", range(4))
def test_at_the_original_discriminators_rate_without_scaling_it_does_not(seed):
    """Ho & Ermon's 0.01 for the paper's updater as written: the discriminator is wrecked at once."""

    def make():
        return LearnedOptimizer(
            DenseMLPUpdater(257, zero_head=False, fan_in_scaling=False),
            features=GradientFeatures("none"),
            learning_rate=1e-2,
        )

    before, after = before_and_after_a_meta_step(SMALL, make, seed)
    assert after < before - 1
