"""Pictures of imitation: return against iteration, like the paper's figure 6, and how steady each method stays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from minimax_l2l import require_extra
from minimax_l2l.errors import require_choice
from tasks.gail.measures.stability import Stability
from tasks.gail.measures.statistics import interquartile_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart with any colour vision; dashes are left to the expert and the random policy.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = [{"color": colour, "linestyle": line} for line, colour in product(("-", ":"), _COLOURS)]
# Percentiles of the band, and what line and band show. A single low seed may pull a mean out of the middle half;
# hence the interquartile mean there.
_BANDS = {
    "range": (0, 100, "line: mean over seeds; band: lowest to highest seed"),
    "quartiles": (25, 75, "line: interquartile mean; band: middle half of the seeds"),
}
_GREY = "0.45"
_ACCURACIES = {
    "expert_accuracy": "the expert, learned from",
    "held_out_accuracy": "the expert, held out",
    "policy_accuracy": "the policy",
}

_STEADINESS = {"worst_window": "worst window (score)", "longest_outage": "longest outage (iterations)"}


@dataclass(frozen=True)
class Panel:
    """Evaluations of several methods in one environment.

    Attributes:
        title: name of the environment.
        iterations: evaluated iterations, length n.
        returns: by method, mean returns; ValueError if they are not of shape (seeds, n).
        expert: return of the expert.
        random: return of uniformly random actions.
    """

    title: str
    iterations: Sequence[int]
    returns: Mapping[str, ArrayLike]
    expert: float
    random: float

    def __post_init__(self) -> None:
        for name, returns in self.returns.items():
            shape = np.shape(returns)
            if len(shape) != 2 or not shape[0] or shape[1] != len(self.iterations):
                raise ValueError(
                    f"returns of {name!r} must have shape (seeds, {len(self.iterations)}), got {shape}; "
                    "pass one row for each seed and one column for each evaluated iteration."
                )


def return_curves(
    panels: Sequence[Panel], *, band: Literal["range", "quartiles"] = "range", order: Sequence[str] = ()
) -> Figure:
    """Draw the return against the iteration, a band over seeds, and the expert's and random return.

    Args:
        panels: one for each environment; a method has one colour in all of them.
        band: what the band spans: all seeds, about their mean, or their middle half, about its mean.
        order: methods that are given their colours first, so that they keep them in several pictures.

    Raises:
        MissingExtraError: if matplotlib is not installed.
        ValueError: if there is no panel, or no such band.
    """
    low, high, words = _BANDS[require_choice("band", band, _BANDS)]
    styles = _styles([*order, *(name for panel in panels for name in panel.returns)])
    figure, row = _figure(len(panels), width=5.2 if len(panels) > 1 else 8.0, height=4.4)
    for axes, panel in zip(row, panels, strict=True):
        for name, returns in panel.returns.items():
            seeds = np.asarray(returns, dtype=np.float64)
            edges = np.percentile(seeds, [low, high], axis=0)
            axes.fill_between(panel.iterations, *edges, color=styles[name]["color"], alpha=0.18, linewidth=0)
            middle = seeds.mean(axis=0) if band == "range" else interquartile_mean(seeds.T)
            axes.plot(panel.iterations, middle, label=name, linewidth=1.6, **styles[name])
        for level, label in ((panel.expert, "expert"), (panel.random, "random")):
            axes.axhline(level, color=_GREY, linestyle="--", linewidth=1, zorder=1)
            beside = axes.get_yaxis_transform()
            axes.text(1.01, level, label, transform=beside, va="center", color=_GREY, fontsize=9)
        axes.set(title=panel.title, xlabel="iteration")
        axes.margins(x=0)
    row[0].set_ylabel("return")
    _legend(figure, row, title=words)
    return figure


def stability_dots(runs: Mapping[str, Sequence[Stability]]) -> Figure:
    """Draw each seed's worst window and longest outage as a dot, and each method's interquartile mean as a bar.

    Hollow dots are seeds that never reached expert level.

    Args:
        runs: by method, one `Stability` a seed; drawn from top to bottom.

    Raises:
        MissingExtraError: if matplotlib is not installed.
        ValueError: if there is no run of a method.
    """
    if not runs or not all(runs.values()):
        raise ValueError("stability_dots needs at least one run of every method; leave out methods without runs.")
    styles = _styles(runs)
    figure, row = _figure(len(_STEADINESS), width=4.6, height=1.2 + 0.5 * len(runs), sharey=True)
    for axes, (measure, label) in zip(row, _STEADINESS.items(), strict=True):
        for place, (name, seeds) in enumerate(runs.items()):
            values = [float(getattr(seed, measure)) for seed in seeds]
            colour = styles[name]["color"]
            # Spread by seed, so that equal values stay visible and a seed keeps its height in every panel.
            heights = place + np.linspace(-0.34, 0.34, len(values) + 2)[1:-1]
            fills = ["white" if seed.hit is None else colour for seed in seeds]
            axes.scatter(values, heights, s=18, facecolors=fills, edgecolors=colour, linewidths=1.2, zorder=3)
            mean = float(interquartile_mean(values))
            axes.plot([mean, mean], [place - 0.38, place + 0.38], color=colour, linewidth=2.2, alpha=0.5, zorder=2)
        drawn = [float(getattr(seed, measure)) for seeds in runs.values() for seed in seeds]
        low, high = min(0.0, *drawn), max(1.0, *drawn)
        axes.set(xlabel=label, xlim=(low - 0.04 * (high - low), high + 0.04 * (high - low)))
        axes.grid(axis="x", color="0.92")
    row[0].set_yticks(range(len(runs)), list(runs))
    row[0].set_ylim(len(runs) - 0.5, -0.5)
    figure.supxlabel(
        "dot: one seed (hollow: never reached expert level); bar: interquartile mean", fontsize=9, color=_GREY
    )
    return figure


def discriminator_curves(runs: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> Figure:
    """Draw how many pairs the discriminator tells rightly over the iterations: one panel a kind of pairs.

    Args:
        runs: by method, for each seed the evaluated `"iterations"` and there the `"expert_accuracy"` on the pairs
            it learns from, the `"held_out_accuracy"` on the expert's trajectories it never sees, and the
            `"policy_accuracy"`, fractions.

    Raises:
        MissingExtraError: if matplotlib is not installed.
        ValueError: if there is no run.
    """
    if not runs:
        raise ValueError("discriminator_curves needs at least one run, got none; pass what should be drawn.")
    styles = _styles(runs)
    figure, row = _figure(len(_ACCURACIES), width=4.0, height=3.8, sharey=True)
    for axes, (field, title) in zip(row, _ACCURACIES.items(), strict=True):
        for name, seeds in runs.items():
            for place, seed in enumerate(seeds):
                label = name if place == 0 else None
                axes.plot(seed["iterations"], seed[field], label=label, linewidth=1.2, **styles[name])
        axes.axhline(0.5, color=_GREY, linestyle="--", linewidth=1, zorder=1)
        axes.set(title=title, xlabel="iteration", ylim=(-0.03, 1.03))
        axes.margins(x=0)
    row[0].set_ylabel("share told rightly")
    _legend(figure, row, title="a line a seed; dashed: no better than a coin")
    return figure


def _styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A style for each name, in order of first appearance."""
    return {name: _STYLES[i % len(_STYLES)] for i, name in enumerate(dict.fromkeys(names))}


def _figure(panels: int, *, width: float, height: float, sharey: bool = False) -> tuple[Figure, list[Any]]:
    if not panels:
        raise ValueError("a figure needs at least one panel, got none; pass what should be drawn.")
    module = require_extra("matplotlib.figure", extra="report", purpose="drawing figures")
    figure: Figure = module.Figure(figsize=(width * panels, height), layout="constrained")
    row = list(figure.subplots(1, panels, squeeze=False, sharey=sharey)[0])
    for axes in row:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, row


def _legend(figure: Figure, row: Sequence[Any], *, title: str) -> None:
    """One legend for all panels: the names of the first, and those that only later ones have."""
    handles: dict[str, Any] = {}
    for axes in row:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    column = 0.7 + 0.07 * max(map(len, handles))  # inches: a handle, and a letter of this size
    columns = max(int(figure.get_figwidth() / column), 1)
    rows = math.ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * max(rows - 2, 0))  # many methods leave the axes their room
    figure.legend(
        list(handles.values()),
        list(handles),
        title=title,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9,
        title_fontsize=9,
    )
