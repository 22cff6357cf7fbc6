"""The main job in three minutes: seven inner maximisers train seven classifiers of digits, side by side."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.extras import require_extra
from minimax_l2l.families import Announce, Family, Section, Settings
from minimax_l2l.solving import solve_preset
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.adversarial.data import digits
from tasks.adversarial.experiments.pool import evaluate_runs
from tasks.adversarial.presets.methods import METHODS, TABLE
from tasks.adversarial.presets.pages import sections

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

    Raises:
        MissingExtraError: if AutoAttack or scikit-learn is not installed, before any training.
    """
    require_extra("pyautoattack", extra="vision", purpose="AutoAttack")
    data = digits()
    folders = [out / name for name in TABLE]
    for done, (name, folder) in enumerate(zip(TABLE, folders, strict=True)):
        announce(f"training {done + 1} of {len(TABLE)}: {METHODS[name].title}")
        preset, settings = f"adversarial/digits-{name}", Settings(epochs=EPOCHS)
        solve_preset(family, preset, folder, settings, overwrite=True, on_interrupt="raise")
    found = {}
    for folder, row in evaluate_runs(folders, tier="quick", images=IMAGES):
        found[folder] = row
        announce(f"evaluating: {len(found)} of {len(folders)} classifiers attacked")
    rows = [found[folder] for folder in folders]
    environment = describe_environment({data.name: data.sha256})
    RunFolder(out).write_json("results.json", {"environment": environment, "rows": rows})
    announce("drawing the report")
    return sections(folders)
