"""One run of imitation as a row of a result file: what is played, and what is measured of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from minimax_l2l import LearnedOptimizer, RunFolder, Status
from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.gail.presets.imitation import PRESETS, Imitation
from tasks.gail.presets.runs import measure_run, to_the_end

RUNS = Path("runs/benchmark/gail")


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        preset: what is played.
        stress: what the conditions are called.
        trained: a saved optimizer to use as it is, phi frozen; None trains a new one.
    """

    preset: Imitation
    stress: str = "none"
    trained: Path | None = None

    @property
    def name(self) -> str:
        """Names its folder: what is played, and under which conditions."""
        preset = self.preset
        return f"{preset.setting}-{self.stress}-{preset.method}-{preset.seed}-{self.digest}"

    @property
    def digest(self) -> str:
        """Eight digits that tell its setting and conditions from others."""
        said = repr((self.preset.expert, sorted(self.preset.settings().items()), self.trained is not None))
        without_seed = said.replace(repr(("seed", self.preset.seed)), "")
        return hashlib.sha256(without_seed.encode()).hexdigest()[:8]

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {
            "setting": self.preset.setting,
            "environment": self.preset.expert.environment_id,
            "stress": self.stress,
            "method": self.preset.method,
            "seed": self.preset.seed,
            "conditions": self.digest,
        }


def job(setting: str, method: str, seed: int, stress: str = "none", trained: Path | None = None) -> Job:
    """A preset as the benchmarks play it."""
    return Job(replace(PRESETS[f"gail/{setting}-{method}"], seed=seed), stress, trained)


def play_into(
    out: Path,
    name: str,
    jobs: Sequence[Job],
    announce: Announce,
    *,
    workers: int = EVERY_CORE,
    shared_with: str | None = None,
) -> Path:
    """Play the jobs whose rows are missing from a result file, and add each row as it comes; see `fill`.

    The runs' folder is named like the file, or like the one with which they are shared; runs that were begun go on.
    """
    runs = RUNS / (shared_with or name)
    return fill(out / f"{name}.json", jobs, partial(play, runs=runs), announce=announce, workers=workers)


def play(job: Job, *, runs: Path) -> dict[str, Any]:
    """Play one run to its end, from its checkpoint if it has one, and measure it.

    Its rate, evaluations included, is known only of a run that was played in one piece. A run that diverges is a
    result as well: from there to its end its evaluations are those of random actions, and what is measured of its
    policy is measured of the last good one.
    """
    preset, folder = job.preset, runs / job.name
    shown = preset.demonstrations()
    task = preset.task(shown)
    optimizer = preset.optimizer(task)
    if job.trained is not None:
        optimizer = LearnedOptimizer.from_pretrained(job.trained).requires_grad_(False)
    resumed, begun = RunFolder(folder).checkpoint_file.exists(), time.process_time()
    solution = task.solve(
        optimizer,
        out=folder,
        resume=resumed,
        device="cpu",
        log_every=preset.evaluated_every,
        validate_every=preset.evaluated_every,
        checkpoint_every=50,
        on_failure="stop",
    )
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    steps = solution.steps * task.learner.steps
    rate = None if resumed else round(steps / (time.process_time() - begun))
    history: Sequence[Mapping[str, float]] = solution.history
    diverged = solution.status is Status.DIVERGED
    if diverged:
        history = to_the_end(preset, history)
    measured = measure_run(preset, task, shown, history, expert=preset.expert.expert_return)
    return measured | {"env_steps_per_cpu_second": rate, "diverged": solution.steps if diverged else None}
