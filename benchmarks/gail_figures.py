"""The pictures of imitation, drawn from benchmarks/results/gail.json: `python benchmarks/gail_figures.py`.

`docs/images/gail_curves.png` is the paper's figure 6: return against iteration, original GAIL and learned updaters;
`docs/images/gail_controls.png` the same for the controls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.gail.curves import Panel, return_curves
from tasks.gail.methods import METHODS
from tasks.gail.settings import SETTINGS

ROOT = Path(__file__).parents[1]
PICTURES = {
    "gail_curves.png": ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l"),
    "gail_controls.png": ("coordinate-l2l", "frozen-d", "constant", "bad-demos", "noise"),
}


def draw(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write both pictures into a folder, of the methods that have been played."""
    for file, methods in PICTURES.items():
        panels = [panel for name in SETTINGS if (panel := _panel(rows, name, methods)) is not None]
        if panels:
            return_curves(panels).savefig(folder / file, dpi=110)


def _panel(rows: Sequence[Mapping[str, Any]], setting: str, methods: Sequence[str]) -> Panel | None:
    own = [row for row in rows if row["setting"] == setting and row["method"] in methods]
    if not own:
        return None
    returns = {
        METHODS[name].title: [row["curve"]["returns"] for row in own if row["method"] == name]
        for name in methods
        if any(row["method"] == name for row in own)
    }
    told = SETTINGS[setting]
    return Panel(told.title, own[0]["curve"]["iterations"], returns, told.expert_return, told.random_return)


if __name__ == "__main__":
    draw(json.loads((ROOT / "benchmarks/results/gail.json").read_text())["rows"], ROOT / "docs" / "images")
