"""Eight Gaussians on a ring: samples of them, which of them are covered, and a picture of who covers them when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l.lab import blank_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODES, RADIUS, DEVIATION = 8, 2.0, 0.05
NEAR = 3.0  # deviations from a mode within which a sample belongs to it
FAIR = 0.25  # of a mode's share of the samples: with that many a mode is covered


def centres() -> Tensor:
    """The modes, shape (8, 2)."""
    angles = 2 * math.pi * torch.arange(MODES) / MODES
    return RADIUS * torch.stack([angles.cos(), angles.sin()], dim=1)


def ring(count: int, generator: torch.Generator) -> Tensor:
    """Samples of the mixture, shape (count, 2)."""
    which = torch.randint(MODES, (count,), generator=generator)
    return centres()[which] + DEVIATION * torch.randn(count, 2, generator=generator)


def modes_covered(samples: Tensor) -> tuple[int, float]:
    """How many modes are covered, and the share of the samples that lie near one.

    A sample is near a mode within three deviations. A mode is covered by a quarter of its fair share of them.

    Args:
        samples: shape (count, 2).
    """
    distances, nearest = torch.cdist(samples, centres()).min(dim=1)
    near = distances < NEAR * DEVIATION
    counts = torch.bincount(nearest[near], minlength=MODES)
    return int((counts >= FAIR * len(samples) / MODES).sum()), float(near.float().mean())


def draw_rings(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Modes covered against queries, a line for each seed, and the last samples of each method's first seed.

    Args:
        rows: one for each method and seed, as `examples/gan_ring.py` writes them.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = blank_figure(10, 5.2)
    grid = figure.add_gridspec(2, 2 + (len(methods) + 1) // 2)
    curves = figure.add_subplot(grid[:, :2])
    for place, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        colour = f"C{place}"
        for row in own:
            label = method if row is own[0] else None
            curves.plot(row["queries"], row["modes"], color=colour, label=label, linewidth=1.2, alpha=0.8)
        axes = figure.add_subplot(grid[place % 2, 2 + place // 2])
        xs, ys = zip(*own[0]["samples"], strict=True)
        axes.scatter(xs, ys, s=3, color=colour, linewidth=0)
        xs, ys = centres().T.tolist()
        axes.scatter(xs, ys, s=90, facecolor="none", edgecolor="0.6", linewidth=0.8)
        axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
        axes.set_title(method, fontsize=9)
    curves.set(xlabel="gradient queries", ylabel="modes covered, of 8", ylim=(-0.2, MODES + 0.2))
    curves.legend(loc="upper left", fontsize=9)
    return figure
