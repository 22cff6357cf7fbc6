"""Runs of the suite, read back from their folders and measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l.lab import as_left, describe_environment, read_solution, wilson_interval

if TYPE_CHECKING:
    from tasks.games.presets.suite import SuitePreset


def evaluate_run(preset: SuitePreset, folder: Path) -> dict[str, Any]:
    """Measure a run as `trial` does, see there; shares have their 95 % interval beside them.

    Raises:
        DamagedRunError: if a file of the run is missing or damaged.
        ValueError: if the run was interrupted.
    """
    solution, task = read_solution(folder), as_left(folder, preset.task)
    solved = task.arrived[task.arrived.isfinite()]
    low, high = wilson_interval(len(solved), preset.games)
    row = {
        "family": preset.family,
        "method": preset.method,
        "step_size": getattr(preset, "step_size", None),
        "seed": preset.seed,
        "games": preset.games,
        "budget": preset.budget,
        "solvable": task.solvable,
        "solved": len(solved),
        "solved_share_low": low if task.solvable else None,
        "solved_share_high": high if task.solvable else None,
        "evaluations": solved.median().item() if len(solved) else None,
        "wrong": int(task.wrong.sum()),
        "play_seconds": round(solution["seconds"], 2),
        **solution["passes"],
    }
    return {"environment": describe_environment(), "rows": [row]}
