"""`minimax-l2l benchmark gail-dense`: whole runs with the paper's dense updater, 341 million weights of phi."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.families import Announce
from tasks.gail.experiments.benchmark import play_into
from tasks.gail.experiments.pool import Job

RUNS = (
    ("cartpole", "dense-l2l"),
    ("cartpole", "dense-ball-l2l"),
    ("cartpole", "dense-l2l-paper"),
    ("mountain-car", "dense-l2l-paper"),
)


def measure_dense(out: Path, announce: Announce) -> Path:
    """One run each, one after the other: each needs 4.1 GB for phi and its moments, and as much on disk.

    Args:
        out: folder of `gail-dense.json`.
        announce: called with a few words as runs end.

    Returns:
        `out / "gail-dense.json"`.
    """
    file = out / "gail-dense.json"
    for number, (setting, method) in enumerate(RUNS):
        jobs = [Job(*names, 0) for names in RUNS[: number + 1]]
        announce(f"{method} on {setting}")
        file = play_into(out, "gail-dense", jobs, announce)
    return file
