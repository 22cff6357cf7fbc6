"""The paper's figures 4 and 9, from `paper-tables.json`: accuracy against eps, and against the number of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.tables.markdown import Rows, where
from minimax_l2l.lab import blank_figure
from tasks.adversarial.evaluation.curves import STEPS
from tasks.adversarial.experiments.paper_tables import RADII
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.methods import METHODS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWN = ("plain", "naive-l2l", "n-fgsm", "pgm-10", "grad-l2l", "two-step-l2l", "remembered-grad-l2l")
REFERENCE = "pgm-10"
FAR = ("plain", "naive-l2l")  # too far below the others to be drawn beside them


def robustness_curves(rows: Rows, data: str, eps: float) -> Figure:
    """Above, accuracy in per cent; below, how many points above PGM-10's it is.

    Args:
        rows: of the paper's tables.
        data: the data set whose rows are drawn.
        eps: the radius that was trained with.
    """
    usual = [row for row in where(rows, data=data, eps=eps) if row["attacker"] != "slim"]
    curves = {row["method"]: row for row in usual if "against_eps" in row}
    figure = blank_figure(9.6, 6.4)
    panels = figure.subplots(2, 2, sharex="col", gridspec_kw={"height_ratios": (3, 2)})
    radii = [*(eps * share for share in RADII if share), 1.0]
    columns: Sequence[tuple[str, Sequence[float], Sequence[float], str]] = (
        ("against_eps", radii, [eps / 4, eps / 2, eps, 2 * eps, 1.0], "eps of PGM-20"),
        ("against_steps", STEPS, [1, 10, 100, 1000], "steps of PGM"),
    )
    for (field, places, ticks, label), (above, below) in zip(columns, panels.T, strict=True):
        known = {name: curves[name][field][-len(places) :] for name in DRAWN if name in curves}
        for name, accuracy in known.items():
            _line(above, places, [100 * one for one in accuracy], name)
            if name not in (*FAR, REFERENCE):
                apart = zip(accuracy, known[REFERENCE], strict=True)
                _line(below, places, [100 * (own - its) for own, its in apart], name)
        below.axhline(0, color=_styled(REFERENCE).style()["color"], linestyle="--", linewidth=1)
        below.set(xscale="log", xlabel=label)
        below.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        below.minorticks_off()
    panels[0, 0].set(ylabel="accuracy, per cent")
    panels[1, 0].set(ylabel="points above PGM-10")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _line(axes: Axes, places: Sequence[float], values: Sequence[float], name: str) -> None:
    axes.plot(places, values, **_styled(name).style(), markersize=4)


def _styled(name: str) -> Line:
    return Line(METHODS[name].title, name)
