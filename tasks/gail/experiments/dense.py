"""`minimax-l2l benchmark gail-dense`: whole runs with the paper's dense updater, 341 million weights of phi."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.lab.pool import EVERY_CORE
from minimax_l2l.lab.preset import Announce
from tasks.gail.experiments.job import job, play_into

RUNS = (
    ("cartpole", "dense-l2l"),
    ("cartpole", "dense-ball-l2l"),
    ("cartpole", "dense-l2l-paper"),
    ("mountain-car", "dense-l2l-paper"),
)


def measure_dense(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:  # noqa: ARG001
    """One run each, one after the other: each needs 4.1 GB for phi and its moments, and as much on disk.

    Args:
        out: folder of `gail-dense.json`.
        announce: called with a few words as runs end.
        workers: not asked; one run at a time is what a machine has memory for.

    Returns:
        `out / "gail-dense.json"`.
    """
    jobs = [job(setting, method, 0) for setting, method in RUNS]
    return play_into(out, "gail-dense", jobs, announce, workers=1)
