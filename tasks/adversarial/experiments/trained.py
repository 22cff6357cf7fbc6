"""A trained classifier as work to be done: attacked in whatever process, it gives one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minimax_l2l import RunFolder
from minimax_l2l.lab import warnings_of
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.presets.runs import evaluate_run
from tasks.adversarial.presets.training import TrainingPreset


@dataclass(frozen=True)
class Trained:
    """A run of a preset.

    Attributes:
        name: the preset's full name.
        preset: with its settings.
        folder: of the run.
    """

    name: str
    preset: TrainingPreset
    folder: Path

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from others."""
        return {"method": self.preset.method, "seed": self.preset.seed}

    @property
    def completed(self) -> bool:
        """Whether it went through all its batches; one that was interrupted is played again."""
        if not (self.folder / "solution.json").is_file():
            return False
        return RunFolder(self.folder).read_json("solution.json").get("status") == "completed"


def attack(run: Trained, *, tier: Tier, images: int | None = None, curves: bool = True) -> dict[str, Any]:
    """Evaluate a run, leave `evaluation.json` in its folder and return the row; see `evaluate_run`."""
    with warnings_of(run.name, run.folder):
        result = evaluate_run(run.preset, run.folder, tier=tier, images=images, curves=curves)
    RunFolder(run.folder).write_json("evaluation.json", result)
    row: dict[str, Any] = result["rows"][0]
    return row
