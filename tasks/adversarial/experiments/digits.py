"""The digits table over three seeds with standard AutoAttack, in pieces that can be interrupted and resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minimax_l2l.families import Announce, Family, Settings
from minimax_l2l.files import atomic
from minimax_l2l.solving import solve_preset
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.adversarial.data import digits
from tasks.adversarial.experiments.pool import evaluate_runs
from tasks.adversarial.presets.methods import METHODS

SEEDS = (0, 1, 2)
RUNS = Path("runs/benchmark/digits")


def benchmark_digits(family: Family, out: Path, announce: Announce) -> Path:
    """Train and evaluate every method on every seed; what is done already is kept.

    All methods of a seed are trained one after the other on one thread, so that their seconds compare; then all are
    evaluated.

    Args:
        family: the one that the presets belong to.
        out: folder of `digits.json`; the runs themselves go to `runs/benchmark/digits`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "digits.json"`.
    """
    file = RunFolder(out).path / "digits.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"] if file.exists() else []
    done = {(row["method"], row["seed"]) for row in rows}
    data = digits()
    for seed in SEEDS:
        missing = {RUNS / f"{name}-{seed}": name for name in METHODS if (name, seed) not in done}
        for folder, name in missing.items():
            if _completed(folder):
                continue
            announce(f"seed {seed}: training {METHODS[name].title}")
            preset, settings = f"adversarial/digits-{name}", Settings(seed=seed)
            solve_preset(family, preset, folder, settings, overwrite=True, device="cpu", on_interrupt="raise")
        announce(f"seed {seed}: attacking {len(missing)} classifiers")
        for _, row in evaluate_runs(list(missing), tier="standard", curves=False):
            rows.append(row)
            announce(f"{len(rows)} of {len(SEEDS) * len(METHODS)} classifiers attacked")
            rows.sort(key=lambda row: (row["seed"], list(METHODS).index(row["method"])))
            content = {"environment": describe_environment({data.name: data.sha256}), "rows": rows}
            with atomic(file) as target:
                target.write((json.dumps(content, indent=1) + "\n").encode())
    return file


def _completed(folder: Path) -> bool:
    """Whether a run went through all its batches; one that was interrupted is played again."""
    if not (folder / "solution.json").is_file():
        return False
    return RunFolder(folder).read_json("solution.json").get("status") == "completed"
