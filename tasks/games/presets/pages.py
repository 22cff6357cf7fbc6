"""What a report says of runs of games: one table, then each family's picture and curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l import DamagedRunError, RunFolder
from minimax_l2l.lab import Section, blank_figure, environment_section, preset_of, read_whole, svg
from minimax_l2l.lab.advice import evaluating
from tasks.games.experiments.trial import SOLVED
from tasks.games.presets import FAMILY, orbits
from tasks.games.presets.families import FAMILIES
from tasks.games.presets.figure import draw_curves, draw_play, legend_below, path_of, styles
from tasks.games.presets.suite import METHODS, SuitePreset
from tasks.games.suite import SUITE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_FIELDS = {"games", "solvable", "solved", "solved_share_low", "solved_share_high", "evaluations", "wrong"}
LABELS = {
    "median_distance": "median distance to a solution",
    "solved": "per cent of games near a solution",
    "wrong": "per cent of games at a wrong point",
}
Games = tuple[str, int, int]  # family, how many, seed: runs that share them played the same games


@dataclass(frozen=True)
class Measured:
    """An evaluated run of the suite: its preset, its numbers, how it went, and what it was evaluated with."""

    folder: Path
    preset: SuitePreset
    row: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    environment: Mapping[str, Any]

    @property
    def games(self) -> Games:
        """What was played."""
        return self.preset.family, self.preset.games, self.preset.seed


def sections(folders: Sequence[Path], *, data: Path | None = None) -> list[Section]:
    """A page about some runs: those of the suite that have been evaluated, and those of the limit cycle.

    Raises:
        DamagedRunError: if one of the suite has not been evaluated, or one is damaged.
    """
    presets = {folder: preset_of(folder, {"games": FAMILY})[0] for folder in folders}
    suite = [_measured(folder, one) for folder, one in presets.items() if isinstance(one, SuitePreset)]
    cycles = [folder for folder, one in presets.items() if not isinstance(one, SuitePreset)]
    return [*(_of_suite(suite) if suite else []), *orbits.sections(cycles, data=data)]


def _of_suite(runs: Sequence[Measured]) -> list[Section]:
    runs = sorted(runs, key=lambda run: (FAMILIES.index(run.preset.family), METHODS.index(run.preset.method)))
    names = _names(runs)
    look = styles(dict.fromkeys(names.values()))
    together: dict[Games, dict[str, Measured]] = {}
    for run in runs:
        together.setdefault(run.games, {})[names[run.folder]] = run
    families = Counter(family for family, _, _ in together)
    page = [
        Section(
            "What was settled",
            f"A game is solved if the pair comes within {SOLVED:g} of a minimax point and stays there until the "
            "budget is used. An evaluation is one gradient of both players at a pair, or one product with second "
            "derivatives; of the games that were solved, the median is shown. Below each share is its 95 % "
            "interval. A wrong point is one where the field is zero and which no player wants. A dash stands where "
            "there is nothing to find.",
            table=_table(runs, names),
        )
    ]
    for (family, count, seed), group in together.items():
        title = family if families[family] == 1 else f"{family}, {count} games of seed {seed}"
        page.append(_of_games(title, group, look))
    return [*page, environment_section(runs[0].environment)]


def _of_games(title: str, group: Mapping[str, Measured], look: Mapping[str, Mapping[str, Any]]) -> Section:
    """The first game's orbits if it is one of two numbers, and how all games went."""
    family, count, seed = next(iter(group.values())).games
    text, figures = f"Source: {SUITE[family].source}.", []
    if all("x" in run.history[-1] for run in group.values()):
        text = (
            "The first of the games; grey lines show where gradient play goes, a square is the start, a cross a "
            f"solution, a triangle a wrong point. {text}"
        )
        game = SUITE[family].sample(count, seed=seed)
        figure, axes = _panel()
        draw_play(axes, game, {name: path_of(game, run.history) for name, run in group.items()}, look)
        figures.append(_drawn(figure, axes))
    solvable = all(run.row["solvable"] for run in group.values())
    for field in ("median_distance", "solved") if solvable else ("wrong",):
        figure, axes = _panel()
        scale = 1 if field == "median_distance" else 100
        curves = {
            name: [(row["evaluations"], scale * row[field]) for row in run.history] for name, run in group.items()
        }
        draw_curves(axes, curves, look, label=LABELS[field])
        if scale == 100:
            axes.set_ylim(-3, 103)
        else:
            axes.set_yscale("log")
            axes.set_ylim(1e-6, 1e2)
            axes.axhline(SOLVED, color="0.4", linewidth=1, label=f"solved: {SOLVED:g}")
        figures.append(_drawn(figure, axes))
    return Section(title, text, figure="".join(figures))


def _panel() -> tuple[Figure, Axes]:
    """One of three that stand side by side on a wide screen."""
    figure = blank_figure(3.6, 4.5)
    return figure, figure.subplots()


def _drawn(figure: Figure, axes: Axes) -> str:
    legend_below(figure, axes, columns=2)
    return svg(figure)


def _table(runs: Sequence[Measured], names: Mapping[Path, str]) -> tuple[list[str], list[list[str]]]:
    titles = ["family", "method", "per cent\nsolved", "evaluations", "per cent at a\nwrong point"]
    cells = []
    for run in runs:
        row = run.row
        share = "-"
        if row["solvable"]:
            solved, low, high = (100 * row[name] for name in ("solved", "solved_share_low", "solved_share_high"))
            share = f"{solved / row['games']:.0f}\n{low:.0f} to {high:.0f}"
        median = "-" if row["evaluations"] is None else f"{row['evaluations']:.0f}"
        cells.append(
            [run.preset.family, names[run.folder], share, median, f"{100 * row['wrong'] / row['games']:.0f}"]
        )
    return titles, cells


def _names(runs: Sequence[Measured]) -> dict[Path, str]:
    """Each run named by its method; where one played the same games twice, by step size and folder too."""
    names = {run.folder: run.preset.title for run in runs}
    sizes = {run.folder: f"step size {getattr(run.preset, 'step_size', None)}" for run in runs}
    for addition in (sizes, {run.folder: run.folder.name for run in runs}):
        often = Counter((run.games, names[run.folder]) for run in runs)
        twice = [run.folder for run in runs if often[run.games, names[run.folder]] > 1]
        names |= {folder: f"{names[folder]}, {addition[folder]}" for folder in twice}
    return names


def _measured(folder: Path, preset: SuitePreset) -> Measured:
    file = folder / "evaluation.json"
    if not file.is_file():
        raise DamagedRunError(f"{folder} has not been evaluated; run `{evaluating(folder)}` first.")
    content = read_whole(folder, file.name, ("environment", "rows"))
    rows = content["rows"]
    if not isinstance(rows, list) or len(rows) != 1 or not rows[0].keys() >= ROW_FIELDS:
        raise DamagedRunError(f"{file} lacks what a report needs; run `{evaluating(folder)}` again.")
    return Measured(folder, preset, rows[0], RunFolder(folder).read_metrics(), content["environment"])
