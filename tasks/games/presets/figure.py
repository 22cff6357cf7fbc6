"""The picture of the limit cycle: the arrows of the field and where each player goes, like the paper's figure 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from minimax_l2l.lab import blank_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_orbits(orbits: Mapping[str, Tensor], *, radius: float = 2.2) -> Figure:
    """Orbits of f = xy over the arrows of its field (-y, x).

    Args:
        orbits: by name, tensors of shape (steps + 1, 2) as `orbit` returns them.
        radius: half the width of the picture.

    Returns:
        A matplotlib figure; `figure.savefig(path)` keeps it.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = blank_figure(6, 6)
    axes = figure.subplots()
    ticks = [radius * (i / 7 - 1) for i in range(15)]
    xs, ys = [x for x in ticks for _ in ticks], [y for _ in ticks for y in ticks]
    axes.quiver(xs, ys, [-y for y in ys], xs, color="0.78", width=0.0025, scale=45)
    for name, path in orbits.items():
        (line,) = axes.plot(
            path[:, 0].tolist(), path[:, 1].tolist(), marker="o", markersize=2.5, linewidth=1, label=name
        )
        axes.plot(*path[0].tolist(), marker="s", markersize=6, color=line.get_color())
    axes.plot(0, 0, marker="+", markersize=12, color="black")
    axes.set(
        xlim=(-radius, radius),
        ylim=(-radius, radius),
        aspect="equal",
        xlabel="x descends xy",
        ylabel="y ascends xy",
    )
    axes.legend(loc="upper right", fontsize=9)
    return figure
