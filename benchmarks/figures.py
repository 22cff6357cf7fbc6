"""The pictures of imitation.

`docs/images/gail_curves.png` is the paper's figure 6: return against iteration, original GAIL and learned updaters;
`gail_controls.png` the same for the controls; `gail_stress.png` for the stress grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from minimax_l2l.lab import read_rows
from tasks.gail.experiments.benchmark import PAPERS
from tasks.gail.experiments.stress import BOUNDS, GRID
from tasks.gail.measures.curves import Panel, return_curves
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.settings import SETTINGS

Band = Literal["range", "quartiles"]
LEARNED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
CONTROLS = ("coordinate-l2l", "frozen-d", "constant", "bad-demos", "noise")
STRESSED = (
    "gail-adam",
    "coordinate-l2l",
    "coordinate-ball-l2l",
    "gail-adam-ball",
    "c-gail",
    *BOUNDS.methods,
    "frozen-d",
)
# A method has one colour in all of them. After seven they begin again with dotted lines; no picture has one twice.
SOLID = (*LEARNED, "coordinate-ball-l2l", "gail-adam-ball", "c-gail")
DOTTED = ("constant", "gail-gp", "frozen-d", *BOUNDS.methods, "noise", "bad-demos")
ORDER = [METHODS[name].title for name in (*SOLID, *DOTTED)]
CELLS = tuple(cell.setting for cell in GRID)
# Result file, settings, methods, and what the band shows.
PICTURES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], Band]] = {
    "gail_curves.png": ("gail.json", PAPERS, LEARNED, "range"),
    "gail_controls.png": ("gail.json", PAPERS, CONTROLS, "range"),
    "gail_stress.png": ("gail-stress.json", CELLS, STRESSED, "quartiles"),
}


def draw(results: Path, folder: Path) -> None:
    """Write the pictures into a folder, of the methods that have been played."""
    for file, (result, settings, methods, band) in PICTURES.items():
        if not (results / result).exists():
            continue
        rows = read_rows(results / result)
        panels = [panel for name in settings if (panel := _panel(rows, name, methods)) is not None]
        if panels:
            return_curves(panels, band=band, order=ORDER).savefig(folder / file, dpi=110)


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
