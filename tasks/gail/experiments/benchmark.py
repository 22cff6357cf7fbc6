"""`minimax-l2l benchmark gail`: every method and control on the paper's two environments, over five seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minimax_l2l.lab.pool import EVERY_CORE
from minimax_l2l.lab.preset import Announce
from minimax_l2l.lab.rows import fill
from tasks.gail.controls import clone_behaviour
from tasks.gail.experiments.job import Job, job, play_into
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
CLONING = "bc"


@dataclass(frozen=True)
class Cloning:
    """Behavioural cloning from the demonstrations that a run of imitation has."""

    run: Job

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {**self.run.identity, "method": CLONING}


def benchmark_gail(
    out: Path, *, announce: Announce, workers: int = EVERY_CORE, seeds: tuple[int, ...] = SEEDS
) -> Path:
    """Original GAIL, learned updaters and controls at the paper's discriminator size.

    Args:
        out: folder of `gail.json`; the runs themselves go to `runs/benchmark/gail`.
        announce: called with a few words before each piece of work.
        workers: how many runs are played at a time.
        seeds: of the runs.

    Returns:
        `out / "gail.json"`.
    """
    jobs = [job(setting, method, seed) for method in LIGHT for seed in seeds for setting in PAPERS]
    file = play_into(out, "gail", jobs, announce, workers=workers)
    cloned = [Cloning(job(setting, "frozen-d", seed)) for seed in seeds for setting in PAPERS]
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
