"""Runs of imitation shared out over the cores, one thread each; what was begun goes on from its checkpoint."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from minimax_l2l import LearnedOptimizer, Status
from minimax_l2l.training.folder import RunFolder
from tasks.gail.measures.measurement import measure, to_the_end
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.runs import PAPER, Conditions, pose
from tasks.gail.presets.settings import SETTINGS

EVALUATE_EVERY = 5


@dataclass(frozen=True)
class Job:
    """One run: names in `SETTINGS` and `METHODS`, a seed, and the conditions.

    Attributes:
        stress: what the conditions are called.
        trained: a saved optimizer to use as it is, phi frozen; None trains a new one.
    """

    setting: str
    method: str
    seed: int
    stress: str = "none"
    conditions: Conditions = PAPER
    trained: Path | None = None

    @property
    def name(self) -> str:
        """Names its folder: what is played, and under which conditions."""
        return f"{self.setting}-{self.stress}-{self.method}-{self.seed}-{self.digest}"

    @property
    def digest(self) -> str:
        """Eight digits that tell its setting and conditions from others; results under others are not mixed."""
        said = repr((SETTINGS[self.setting], self.conditions, self.trained is not None))
        return hashlib.sha256(said.encode()).hexdigest()[:8]


def play_all(jobs: Mapping[Job, Path]) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Play runs in one process a core.

    Args:
        jobs: folders by job; those that hold finished runs are only measured.

    Yields:
        Each job and its measurements, as they are done.
    """
    workers = max(min(_cores(), len(jobs)), 1)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin)
    try:
        futures = {pool.submit(play, job, folder): job for job, folder in jobs.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C or a failure, what has not begun never will


def play(job: Job, folder: Path) -> dict[str, Any]:
    """Play one run to its end, from its checkpoint if it has one, and measure it.

    Its rate, evaluations included, is known only of a run that was played in one piece. One whose objective leaves
    the numbers is a result as well: from there to its end its evaluations are those of random actions, and what is
    measured of its policy is measured of the last good one.
    """
    setting = SETTINGS[job.setting]
    task, optimizer = pose(setting, METHODS[job.method], job.conditions, seed=job.seed)
    if job.trained is not None:
        optimizer = LearnedOptimizer.from_pretrained(job.trained).requires_grad_(False)
    files = RunFolder(folder)
    resumed, begun = files.checkpoint_file.exists(), time.process_time()
    solution = task.solve(
        optimizer,
        out=folder,
        resume=resumed,
        device="cpu",
        log_every=EVALUATE_EVERY,
        validate_every=EVALUATE_EVERY,
        checkpoint_every=50,
        on_failure="stop",
    )
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    steps = solution.steps * task.learner.steps
    rate = None if resumed else round(steps / (time.process_time() - begun))
    _, held_out = setting.expert().split(job.conditions.held_out)
    history: Sequence[Mapping[str, float]] = solution.history
    if solution.status is Status.DIVERGED:
        history = to_the_end(
            history, job.conditions.iterations, every=EVALUATE_EVERY, random_return=setting.random_return
        )
    measured = measure(task, history, held_out, random=setting.random_return, expert=setting.expert_return)
    diverged = solution.steps if solution.status is Status.DIVERGED else None
    return measured | {"env_steps_per_cpu_second": rate, "diverged": diverged}


def _cores() -> int:
    """How many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin() -> None:
    """One thread a worker; Ctrl-C ends it at once, and its run goes on from the last checkpoint another time."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(1)
