"""The main job in three minutes: seven inner maximisers train seven classifiers of digits, side by side."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from minimax_l2l.families import Announce, Family, Section, Settings
from minimax_l2l.solving import solve_preset
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.adversarial.data import digits
from tasks.adversarial.methods import METHODS, TABLE
from tasks.adversarial.pages import sections
from tasks.adversarial.runs import evaluate_run

EPOCHS = 20
IMAGES = 180


def run_demo(family: Family, out: Path, announce: Announce) -> list[Section]:
    """Train and evaluate every method of the table with a light budget.

    Trainings follow one another, so that their seconds compare; evaluations, which nobody times, share the cores.

    Args:
        family: the one that the presets belong to.
        out: folder of the runs, one for each method, and of `results.json`.
        announce: called with a few words before each piece of work.

    Returns:
        The page about them.
    """
    folders = [out / name for name in TABLE]
    for done, (name, folder) in enumerate(zip(TABLE, folders, strict=True)):
        announce(f"training {done + 1} of {len(TABLE)}: {METHODS[name].title}")
        solve_preset(family, f"adversarial/digits-{name}", folder, Settings(epochs=EPOCHS), overwrite=True)
    rows = _evaluate(folders, announce)
    data = digits()
    environment = describe_environment({data.name: data.sha256})
    RunFolder(out).write_json("results.json", {"environment": environment, "rows": rows})
    announce("drawing the report")
    return sections(folders)


def _evaluate(folders: list[Path], announce: Announce) -> list[dict[str, Any]]:
    workers = max(min(2, os.cpu_count() or 1), 1)
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        futures = {pool.submit(_row, folder): folder for folder in folders}
        rows = {}
        for done, future in enumerate(as_completed(futures)):
            rows[futures[future]] = future.result()
            announce(f"evaluating: {done + 1} of {len(folders)} classifiers attacked")
    return [rows[folder] for folder in folders]


def _row(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = evaluate_run(folder, Settings(), tier="quick", images=IMAGES)["rows"][0]
    return row
