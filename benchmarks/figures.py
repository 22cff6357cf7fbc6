"""The pictures of games, of images and of imitation.

`docs/images/games.png` is what gradient play and the learned optimizer do in two games, which are played anew;
`games_sizes.png` is cost against dimension.
`docs/images/fashion_curves.png` is the paper's figures 4 and 9 on Fashion-MNIST.
`docs/images/gail_curves.png` is the paper's figure 6: return against iteration, original GAIL and learned updaters;
`gail_controls.png` the same for the controls; `gail_stress.png` for the stress grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.robustness_curves import robustness_curves
from benchmarks.tables.games import ENOUGH, best_of, titled
from benchmarks.tables.markdown import Rows, groups, where
from minimax_l2l.lab import blank_figure, read_rows
from tasks.gail.experiments.benchmark import PAPERS
from tasks.gail.experiments.stress import BOUNDS, GRID
from tasks.gail.measures.curves import Panel, return_curves
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.settings import SETTINGS
from tasks.games.presets.figure import draw_play, path_of, styles
from tasks.games.presets.suite import SUITE_PRESETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Band = Literal["range", "quartiles"]
LEARNED = ("gail-adam", "coordinate-l2l", "rows-l2l", "low-rank-l2l")
CONTROLS = ("coordinate-l2l", "frozen-d", "constant", "bad-demos", "noise")
STEADIED = ("coordinate-ball-l2l", "gail-adam-ball", "c-gail")
STRESSED = (*LEARNED[:2], *STEADIED, *BOUNDS.methods, "frozen-d")
# Games of two numbers by family, and who plays them.
GAMES = {
    "xy": "$f = xy$",
    "ridge-3": r"$f = (4x^2 - (y - 3x + 0.05x^3)^2 - 0.1y^4)\,\exp(-0.01(x^2 + y^2))$",
}
PLAYERS = {"gram-games": "learned", "gradient": "gradient play", "extragradient": "extragradient"}
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


def draw_games() -> Figure:
    """Two games, each played by the optimizer that ships and by two rivals, and what that costs."""
    figure = blank_figure(9.6, 5.75)
    for axes, (family, formula) in zip(figure.subplots(1, 2), GAMES.items(), strict=True):
        orbits = {}
        for method, title in PLAYERS.items():
            preset = replace(SUITE_PRESETS[f"games/{family}-{method}"], games=1)
            task = preset.task()
            history = task.solve(preset.optimizer(), validate_every=1, device="cpu").history
            needed = task.arrived.item()
            cost = f"at rest after {needed:g}" if math.isfinite(needed) else f"not at rest after {task.used:g}"
            orbits[f"{title}: {cost} evaluations"] = path_of(task.game, history)
        draw_play(axes, task.game, orbits, styles(orbits))
        axes.set_title(formula, fontsize=10.5)
        axes.set_anchor("N")  # at the top of its place, above the legend
        lines = axes.get_lines()[: len(orbits)]  # without the marks, of which the page tells
        axes.legend(handles=lines, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
    return figure


def draw_sizes(rows: Rows) -> Figure:
    """Median evaluations against dimension, where a method settles the games."""
    figure = blank_figure(6.4, 4.2)
    axes = figure.subplots()
    for _, own in groups(rows, "method"):
        best = [best_of(at) for _, at in groups(own, "dimensions")]
        settled = [row for row in best if row["solved"] >= ENOUGH * row["games"]]
        places, costs = ([row[field] for row in settled] for field in ("dimensions", "evaluations"))
        axes.plot(places, costs, marker="o", label=titled(own))
    axes.set(xscale="log", yscale="log", xlabel="numbers of both players", ylabel="evaluations, median")
    axes.legend(frameon=False)
    return figure


def draw(results: Path, folder: Path) -> None:
    """Write the pictures into a folder, those of imitation of the methods that have been played."""
    draw_games().savefig(folder / "games.png", dpi=110)
    draw_sizes(read_rows(results / "games-sizes.json")).savefig(folder / "games_sizes.png", dpi=110)
    images = read_rows(results / "paper-tables.json")
    robustness_curves(images, "fashion-mnist", eps=0.1).savefig(folder / "fashion_curves.png", dpi=110)
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
