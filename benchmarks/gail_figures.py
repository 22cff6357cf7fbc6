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
    """Write both pictures into a folder."""
    for file, methods in PICTURES.items():
        panels = [
            Panel(setting.title, curves[methods[0]][0]["iterations"], _returns(curves), *_levels(setting))
            for name, setting in SETTINGS.items()
            if (curves := _curves(rows, name, methods))
        ]
        return_curves(panels).savefig(folder / file, dpi=110)


def _curves(rows: Sequence[Mapping[str, Any]], setting: str, methods: Sequence[str]) -> dict[str, list[Any]]:
    own = [row for row in rows if row["setting"] == setting and row["stress"] == "none"]
    return {name: [row["curve"] for row in own if row["method"] == name] for name in methods} if own else {}


def _returns(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[list[float]]]:
    return {METHODS[name].title: [curve["returns"] for curve in own] for name, own in curves.items()}


def _levels(setting: Any) -> tuple[float, float]:
    return setting.expert_return, setting.random_return


if __name__ == "__main__":
    draw(json.loads((ROOT / "benchmarks/results/gail.json").read_text())["rows"], ROOT / "docs" / "images")
