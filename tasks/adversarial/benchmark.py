"""The digits table over three seeds with standard AutoAttack, in pieces that can be interrupted and resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minimax_l2l.families import Announce, Family, Settings, prefixed
from minimax_l2l.solving import solve_preset
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder, atomic
from tasks.adversarial.data import digits
from tasks.adversarial.methods import METHODS
from tasks.adversarial.runs import evaluate_run

SEEDS = (0, 1, 2)


def benchmark_digits(family: Family, out: Path, announce: Announce) -> Path:
    """Train and evaluate every method on every seed; rows that `out` holds already are kept.

    All methods of a seed are trained one after the other on one thread, so their seconds compare.

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
        for name, method in METHODS.items():
            if (name, seed) in done:
                continue
            folder = Path("runs/benchmark/digits") / f"{name}-{seed}"
            settings = Settings(seed=seed)
            say = prefixed(announce, f"seed {seed}, {method.title}")
            say("training")
            solve_preset(family, f"adversarial/digits-{name}", folder, settings, overwrite=True, device="cpu")
            result = evaluate_run(folder, settings, say, curves=False)
            rows += result["rows"]
            content = {"environment": describe_environment({data.name: data.sha256}), "rows": rows}
            with atomic(file) as target:
                target.write((json.dumps(content, indent=1) + "\n").encode())
    return file
