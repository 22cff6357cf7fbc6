"""Learned optimizers that are meta-trained for the benchmark, all on the same episodes."""

from __future__ import annotations

from functools import cache

import torch

from minimax_l2l import GradientFeatures, LearnedOptimizer, MLPUpdater
from tasks.games.limit_cycle import LimitCycle
from tasks.games.meta.estimators import Method
from tasks.games.meta.optimizer import gram_optimizer
from tasks.games.meta.practice import PRACTICE
from tasks.games.meta.training import meta_train

EPISODES = 120  # about a minute of a `GramUpdater`; the shipped one was made by as many


@cache
def practised(name: str, seed: int) -> LearnedOptimizer:
    """An optimizer after its practice.

    Args:
        name: "rnn" or "mlp", which work coordinate by coordinate and learn by backpropagation; all others are
            `gram_optimizer()`.
        seed: of the first weights and of the games.
    """
    torch.manual_seed(seed)
    if name == "rnn":
        optimizer = LimitCycle.learned_optimizer()
    elif name == "mlp":
        optimizer = _perceptron()
    else:
        optimizer = gram_optimizer()
    estimator: Method = "backprop" if name in ("rnn", "mlp") else "es"
    meta_train(optimizer, PRACTICE, updates=EPISODES, estimator=estimator, seed=seed, progress=None)
    return optimizer


def _perceptron() -> LearnedOptimizer:
    """With the recurrent one's settings, as far as it has them."""
    return LearnedOptimizer(
        MLPUpdater(inputs=1),
        features=GradientFeatures(iterate=False),
        second_order=True,
        relative=True,
        max_relative_step=None,
        learning_rate=5e-3,
        weight_decay=0.0,
        clip_norm=1.0,
    )
