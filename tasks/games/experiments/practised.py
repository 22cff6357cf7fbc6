"""Learned optimizers that are meta-trained for the benchmark, all on the same episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from minimax_l2l import GradientFeatures, LearnedOptimizer, MLPUpdater, Updater
from minimax_l2l.lab import Announce, fill
from tasks.games.limit_cycle import LimitCycle
from tasks.games.meta.estimators import Method
from tasks.games.meta.optimizer import gram_optimizer
from tasks.games.meta.practice import PRACTICE
from tasks.games.meta.training import MetaTraining, meta_train
from tasks.games.meta.twin import TwinUpdater

EPISODES = 120  # about a minute of a `GramUpdater`; the shipped one was made by as many


@dataclass(frozen=True)
class PracticeJob:
    """The practice of a `GramUpdater`.

    Attributes:
        seed: of the first weights and of the games; the shipped one had 0.
        episodes: of practice.
    """

    seed: int
    episodes: int = EPISODES

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {"method": "gram", "seed": self.seed, "episodes": self.episodes}


def measure_practice(out: Path, *, announce: Announce) -> Path:
    """How long practice takes, in `games-practice.json`; one at a time, because it is timed.

    Args:
        out: its folder.
        announce: see `Family`.
    """
    return fill(
        out / "games-practice.json", [PracticeJob(seed) for seed in range(5)], play, announce=announce, workers=1
    )


def play(job: PracticeJob) -> Mapping[str, Any]:
    """The rest of its row."""
    optimizer, training = practise("gram", job.seed, job.episodes)
    return {
        "seconds": round(training.seconds, 1),
        "weights": sum(weight.numel() for weight in optimizer.parameters()),
    }


@cache
def practised(name: str, seed: int) -> LearnedOptimizer:
    """An optimizer after its practice, see `practise`."""
    return practise(name, seed)[0]


def practise(name: str, seed: int, episodes: int = EPISODES) -> tuple[LearnedOptimizer, MetaTraining]:
    """An optimizer, and what its practice was.

    Args:
        name: "rnn", "twin" or "mlp", which work coordinate by coordinate and learn by backpropagation; all others
            are `gram_optimizer()`.
        seed: of the first weights and of the games.
        episodes: of practice.
    """
    torch.manual_seed(seed)
    if name == "rnn":
        optimizer = LimitCycle.learned_optimizer()
    elif name == "twin":
        optimizer = _like_the_recurrent_one(TwinUpdater())
    elif name == "mlp":
        optimizer = _like_the_recurrent_one(MLPUpdater(inputs=1))
    else:
        optimizer = gram_optimizer()
    estimator: Method = "backprop" if name in ("rnn", "twin", "mlp") else "es"
    training = meta_train(optimizer, PRACTICE, updates=episodes, estimator=estimator, seed=seed, progress=None)
    return optimizer, training


def _like_the_recurrent_one(updater: Updater) -> LearnedOptimizer:
    """With the recurrent one's settings, as far as they are not the updater's."""
    return LearnedOptimizer(
        updater,
        features=GradientFeatures(iterate=False),
        second_order=True,
        relative=True,
        max_relative_step=None,
        learning_rate=5e-3,
        weight_decay=0.0,
        clip_norm=1.0,
    )
