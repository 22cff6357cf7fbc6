"""`minimax-l2l benchmark gail`: every method and control on the paper's two environments, over five seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minimax_l2l.families import Announce
from minimax_l2l.files import atomic
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.gail.controls import clone_behaviour
from tasks.gail.experiments.pool import Job, play_all
from tasks.gail.measures.measurement import measure_policy
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.runs import pose_task
from tasks.gail.presets.settings import SETTINGS

SEEDS = (0, 1, 2, 3, 4)
RUNS = Path("runs/benchmark/gail")
# What the paper compares comes first, then the others and the controls. Dense updaters take gigabytes and minutes a
# run, so `gail-dense` plays them; those that hold the weights in a ball are for `gail-stress`.
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


def benchmark_gail(out: Path, announce: Announce) -> Path:
    """Original GAIL, learned updaters and controls at the paper's discriminator size.

    Args:
        out: folder of `gail.json`; the runs themselves go to `runs/benchmark/gail`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "gail.json"`.
    """
    jobs = [Job(setting, method, seed) for method in LIGHT for seed in SEEDS for setting in PAPERS]
    file = play_into(out, "gail", jobs, announce)
    content = json.loads(file.read_text())
    done = {_key(row) for row in content["rows"]}
    for seed in SEEDS:
        for setting in PAPERS:
            job = Job(setting, CLONING, seed)
            if _key(_row(job)) not in done:
                announce(f"cloning the behaviour on {setting}, seed {seed}")
                content["rows"].append(_row(job) | clone(job))
                _write(file, content)
    return file


def clone(job: Job) -> dict[str, Any]:
    """Behavioural cloning from the demonstrations that a run of imitation has, measured like its policy."""
    setting = SETTINGS[job.setting]
    task = pose_task(setting, METHODS["frozen-d"], job.conditions, seed=job.seed)
    learned_from, held_out = setting.expert().split(job.conditions.held_out)
    clone_behaviour(task.learner, learned_from.limit(job.conditions.trajectories), seed=job.seed)
    return measure_policy(task, held_out, random=setting.random_return, expert=setting.expert_return)


def play_into(
    out: Path, name: str, jobs: Sequence[Job], announce: Announce, *, shared_with: str | None = None
) -> Path:
    """Play the jobs whose rows are missing from a result file, and add each row as it comes.

    Interrupted, it goes on where it was when it is called again: rows that are there are kept, runs that were begun
    are resumed.

    Args:
        out: folder of the file.
        name: of the file and of the runs' folder.
        jobs: all of them.
        announce: called with a few words as runs end.
        shared_with: another result file whose runs these are too, as far as they have been played.

    Returns:
        The file.
    """
    file = RunFolder(out).path / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"] if file.exists() else []
    done = {_key(row): row["conditions"] for row in rows}
    if stale := [job for job in jobs if done.get(_key(_row(job)), job.digest) != job.digest]:
        raise ValueError(
            f"{file} holds {len(stale)} rows that were played under other conditions than now, such as "
            f"{stale[0].method} on {stale[0].setting}; move the file away to play them again."
        )
    missing = {job: RUNS / (shared_with or name) / job.name for job in jobs if _key(_row(job)) not in done}
    left = len(missing)
    announce(f"{left} of {len(jobs)} runs to play")
    for job, measured in play_all(missing):
        rows.append(_row(job) | measured)
        left -= 1
        announce(f"{left} of {len(jobs)} runs to play")
        _write(file, {"environment": describe_environment(), "rows": sorted(rows, key=_key)})
    return file


def _write(file: Path, content: Mapping[str, Any]) -> None:
    with atomic(file) as target:
        target.write((json.dumps(content) + "\n").encode())


def _row(job: Job) -> dict[str, Any]:
    return {
        "setting": job.setting,
        "environment": SETTINGS[job.setting].environment_id,
        "stress": job.stress,
        "method": job.method,
        "seed": job.seed,
        "conditions": job.digest,
    }


def _key(row: dict[str, Any]) -> tuple[str, str, str, int]:
    return row["setting"], row["stress"], row["method"], row["seed"]
