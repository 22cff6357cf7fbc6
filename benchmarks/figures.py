"""The pictures of imitation.

`docs/images/gail_curves.png` is the paper's figure 6: return against iteration, original GAIL and learned updaters;
`gail_controls.png` the same for the controls; `gail_stress.png` for the stress grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from benchmarks.tables.markdown import Rows, where
from minimax_l2l.lab import read_rows
from tasks.gail.experiments.benchmark import PAPERS
from tasks.gail.experiments.stress import BOUNDS, GRID
from tasks.gail.measures.curves import Panel, return_curves
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.settings import SETTINGS

Band = Literal["range", "quartiles"]
LEARNED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
CONTROLS = ("coordinate-l2l", "frozen-d", "constant", "bad-demos", "noise")
STEADIED = ("coordinate-ball-l2l", "gail-adam-ball", "c-gail")
STRESSED = (*LEARNED[:2], *STEADIED, *BOUNDS.methods, "frozen-d")
# A method has one colour in all of them. After seven they begin again with dotted lines; no picture has one twice.
SOLID = (*LEARNED, *STEADIED)
DOTTED = ("constant", "gail-gp", "frozen-d", *BOUNDS.methods, "noise", "bad-demos")
ORDER = [METHODS[name].title for name in (*SOLID, *DOTTED)]
CELLS = tuple(cell.setting for cell in GRID)
# Result file, settings, methods, and what the band shows.
PICTURES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], Band]] = {
    "gail_curves.png": ("gail.json", PAPERS, LEARNED, "quartiles"),
    "gail_controls.png": ("gail.json", PAPERS, CONTROLS, "quartiles"),
    "gail_stress.png": ("gail-stress.json", CELLS, STRESSED, "quartiles"),
}


def draw(results: Path, folder: Path) -> None:
    """Write the pictures into a folder, of the methods that have been played."""
    for file, (result, settings, methods, band) in PICTURES.items():
        rows = read_rows(results / result)
        panels = [panel for name in settings if (panel := _panel(rows, name, methods)) is not None]
        if panels:
            return_curves(panels, band=band, order=ORDER).savefig(folder / file, dpi=110)


def _panel(rows: Rows, setting: str, methods: Sequence[str]) -> Panel | None:
    curves = {
        METHODS[name].title: [row["curve"] for row in where(rows, setting=setting, method=name)] for name in methods
    }
    returns = {title: [one["returns"] for one in own] for title, own in curves.items() if own}
    if not returns:
        return None
    told, iterations = SETTINGS[setting], next(own[0]["iterations"] for own in curves.values() if own)
    return Panel(told.title, iterations, returns, told.expert_return, told.random_return)
