"""The main job in five minutes: seven inner maximisers train seven classifiers of digits, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from minimax_l2l import require_extra
from minimax_l2l.lab import EVERY_CORE, Announce, Section, play, play_all, write_rows
from tasks.adversarial.data.digits import digits
from tasks.adversarial.experiments.trained import Trained, attack
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.methods import TABLE
from tasks.adversarial.presets.pages import sections
from tasks.adversarial.presets.training import TrainingPreset

# Every method of the table with a light budget.
LIGHT = {name: replace(preset, epochs=20) for name, preset in DIGITS.items() if preset.method in TABLE}


def run_demo(
    out: Path,
    *,
    announce: Announce,
    workers: int = EVERY_CORE,
    presets: Mapping[str, TrainingPreset] = LIGHT,
    images: int = 180,
) -> list[Section]:
    """Train and evaluate some presets.

    Trainings follow one another, so that their seconds compare; evaluations, which nobody times, share the cores.

    Args:
        out: folder of the runs, one for each method, and of `results.json`.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
        presets: by full name, all on the same data.
        images: how many test images are attacked.

    Returns:
        The page about them.

    Raises:
        MissingExtraError: if AutoAttack or scikit-learn is not installed, before any training.
    """
    require_extra("pyautoattack", extra="vision", purpose="AutoAttack")
    data = digits()
    runs = [Trained(name, preset, out / preset.method) for name, preset in presets.items()]
    for done, run in enumerate(runs):
        announce(f"training {done + 1} of {len(runs)}: {run.preset.row.title}")
        play(run.name, run.preset, run.folder, overwrite=True, on_interrupt="raise")
    rows = {}
    for run, row in play_all(runs, partial(attack, tier="quick", images=images), workers=workers):
        rows[run] = row
        announce(f"evaluating: {len(rows)} of {len(runs)} classifiers attacked")
    write_rows(out / "results.json", [rows[run] for run in runs], data={data.name: data.sha256})
    announce("drawing the report")
    return sections([run.folder for run in runs], data=runs[0].preset.data)
