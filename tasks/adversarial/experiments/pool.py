"""Evaluations, which nobody times, shared out over the cores."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from minimax_l2l.families import Settings
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.presets.runs import evaluate_run


def evaluate_runs(
    folders: Sequence[Path], *, tier: Tier, images: int | None = None, curves: bool = True
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Evaluate runs in one process a core, of one thread each.

    Args:
        folders: of the runs.
        tier: of AutoAttack.
        images: how many test images; all if None.
        curves: also measure accuracy curves.

    Yields:
        Each run's folder and row, as they are done.
    """
    workers = max(min(os.cpu_count() or 1, len(folders)), 1)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=begin)
    try:
        futures = {pool.submit(_row, folder, tier, images, curves): folder for folder in folders}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C or a failure, what has not begun never will


def begin() -> None:
    """One thread a worker; Ctrl-C ends it at once and silently, its parent says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(1)


def _row(folder: Path, tier: Tier, images: int | None, curves: bool) -> dict[str, Any]:
    result = evaluate_run(folder, Settings(), tier=tier, images=images, curves=curves)
    row: dict[str, Any] = result["rows"][0]
    return row
