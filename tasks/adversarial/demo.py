"""The main job in three minutes: seven inner maximisers train seven classifiers of digits, side by side."""

from __future__ import annotations

from pathlib import Path

from minimax_l2l.families import Announce, Family, Section, Settings, prefixed
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

    Args:
        family: the one that the presets belong to.
        out: folder of the runs, one for each method, and of `results.json`.
        announce: called with a few words before each piece of work.

    Returns:
        The page about them.
    """
    folders, rows = [], []
    for name in TABLE:
        folder = out / name
        settings = Settings(epochs=EPOCHS)
        title = METHODS[name].title
        announce(f"{title}: training")
        solve_preset(family, f"adversarial/digits-{name}", folder, settings, overwrite=True)
        evaluation = evaluate_run(folder, settings, prefixed(announce, title), tier="quick", images=IMAGES)
        folders.append(folder)
        rows += evaluation["rows"]
    data = digits()
    RunFolder(out).write_json(
        "results.json", {"environment": describe_environment({data.name: data.sha256}), "rows": rows}
    )
    return sections(folders)
