"""Comparisons at the paper's discriminator size: every method and control, dense updaters, transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.gail.controls import clone_behaviour
from tasks.gail.experiments.job import RUNS, Job, job, play_into
from tasks.gail.measures.measurement import measure_policy

SEEDS = (0, 1, 2, 3, 4)
# What the paper compares, the others, the controls. `gail-dense` plays dense updaters, which take gigabytes and
# minutes per run; methods that hold the weights in a ball are for `gail-stress`.
LIGHT = (
    "gail-adam",
    "coordinate-l2l",
    "c-gail",
    "gail-gp",
    "rows-l2l",
    "low-rank-l2l",
    "frozen-d",
    "constant",
    "bad-demos",
    "noise",
)
PAPERS = ("cartpole", "mountain-car")
DENSE = (
    ("cartpole", "dense-l2l"),
    ("cartpole", "dense-ball-l2l"),
    ("cartpole", "dense-l2l-paper"),
    ("mountain-car", "dense-l2l-paper"),
)
TARGETS = ("mountain-car", "acrobot")


@dataclass(frozen=True)
class Cloning:
    """Behavioural cloning from the demonstrations that a run of imitation has."""

    run: Job

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {**self.run.identity, "method": "bc"}


def benchmark_gail(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """`gail`: original GAIL, learned updaters, controls and cloning in the paper's environments, five seeds."""
    jobs = [job(setting, method, seed) for method in LIGHT for seed in SEEDS for setting in PAPERS]
    file = play_into(out, "gail", jobs, announce, workers=workers)
    cloned = [Cloning(job(setting, "frozen-d", seed)) for seed in SEEDS for setting in PAPERS]
    return fill(file, cloned, clone, announce=announce, workers=workers)


def clone(cloning: Cloning) -> dict[str, Any]:
    """Clone the expert's behaviour, and measure the policy like that of a run."""
    preset = cloning.run.preset
    shown = preset.demonstrations()
    task = preset.task(shown)
    learned_from, held_out = preset.split(shown)
    clone_behaviour(task.learner, learned_from, seed=preset.seed)
    setting = preset.expert
    return measure_policy(
        task, held_out, random=setting.random_return, expert=setting.expert_return, episodes=preset.final_episodes
    )


def measure_dense(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:  # noqa: ARG001
    """`gail-dense`: whole runs with the paper's dense updater, 341 million weights of phi.

    They are played one after the other whatever `workers` says: each needs 4.1 GB for phi and its moments, and as
    much on disk.
    """
    jobs = [job(setting, method, 0) for setting, method in DENSE]
    return play_into(out, "gail-dense", jobs, announce, workers=1)


def measure_transfer(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """`gail-transfer`: an updater trained on CartPole, frozen, where nobody tuned it.

    Beside it are the same updater trained anew and original GAIL. Runs are shared with the benchmark `gail`.
    """
    sources = {seed: job("cartpole", "coordinate-l2l", seed) for seed in SEEDS}
    anew = [job(name, how, seed) for name in TARGETS for how in ("gail-adam", "coordinate-l2l") for seed in SEEDS]
    frozen = [
        job(name, "coordinate-l2l", seed, "frozen", RUNS / "gail" / source.name / "optimizer")
        for name in TARGETS
        for seed, source in sources.items()
    ]
    common: dict[str, Any] = {"announce": announce, "workers": workers, "shared_with": "gail"}
    play_into(out, "gail-transfer", [*sources.values(), *anew], **common)
    return play_into(out, "gail-transfer", frozen, **common)
