"""Pictures of robust classifiers: accuracy curves, perturbations, training curves, robustness against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l.lab import blank_figure, svg
from tasks.adversarial.presets.methods import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """How one run is drawn in every picture: named by its title, in the colour of its method."""

    title: str
    method: str

    def style(self) -> dict[str, Any]:
        """One colour a method; learned ones are drawn solid, hand-designed ones dashed."""
        return {
            "label": self.title,
            "color": f"C{list(METHODS).index(self.method)}",
            "linestyle": "-" if METHODS[self.method].learns else "--",
        }


def accuracy_curves(curves: Mapping[Line, Mapping[str, Any]], field: str, label: str, *, log: bool = False) -> str:
    """Accuracy of each run against `field`, `"eps"` or `"steps"`, as SVG text."""
    figure = blank_figure(8.4, 4.2)
    axes = figure.subplots()
    for line, curve in curves.items():
        axes.plot(curve[field]["x"], curve[field]["accuracy"], marker="o", markersize=3, **line.style())
    axes.set(xlabel=label, ylabel="accuracy", ylim=(-0.02, 1.02))
    if log:
        axes.set_xscale("log")
        axes.set_xticks(ticks := next(iter(curves.values()))[field]["x"], [str(tick) for tick in ticks])
        axes.minorticks_off()
    _legend(figure, axes)
    return svg(figure)


def training_curves(histories: Mapping[Line, Sequence[Mapping[str, float]]]) -> str:
    """Validation accuracy under PGM-10, and each attacker's loss over PGM-10's, against steps, as SVG text."""
    figure = blank_figure(11, 4)
    left, right = figure.subplots(1, 2)
    for line, history in histories.items():
        rows = [row for row in history if "validation_pgm_10" in row]
        steps = [row["step"] for row in rows]
        left.plot(steps, [row["validation_pgm_10"] for row in rows], **line.style())
        right.plot(steps, [row["attack_ratio"] for row in rows], **line.style())
    left.set(xlabel="training step", ylabel="validation accuracy under PGM-10", ylim=(-0.02, 1.02))
    right.set(xlabel="training step", ylabel="own attacker's loss / PGM-10's", ylim=(-0.02, 1.2))
    _legend(figure, left)
    return svg(figure)


def robustness_against_cost(rows: Mapping[Line, Mapping[str, Any]], robust: str) -> str:
    """Accuracy under the attack `robust` of each run's row against its training seconds and passes, as SVG text.

    Rows below half the best are left out, so that the others can be told apart.
    """
    figure = blank_figure(11, 4)
    left, right = figure.subplots(1, 2)
    best = max(row[robust] for row in rows.values())
    for line, row in rows.items():
        if row[robust] < best / 2:
            continue
        passes = row["forward_passes"] + row["input_gradient_passes"] + row["weight_gradient_passes"]
        style = line.style() | {"linestyle": "none"}
        for axes, cost in ((left, row["train_seconds"]), (right, passes)):
            axes.plot(cost, row[robust], "o" if METHODS[line.method].learns else "s", **style)
    left.set(xlabel="training seconds", ylabel=f"accuracy under {robust.replace('_', ' ')}")
    right.set(xlabel="passes: forward + input gradient + weight gradient")
    for axes in (left, right):
        axes.margins(0.15)
        axes.set_xlim(left=0)
        axes.grid(color="0.92")
    _legend(figure, left)
    return svg(figure)


def perturbation_grid(images: Tensor, perturbations: Mapping[str, Tensor]) -> str:
    """Images above the perturbations that attackers add to them, x5 and x30, as SVG text.

    Args:
        images: shape (n, channels, height, width), in [0, 1].
        perturbations: by attacker, shaped as `images`; they and their multiples are drawn around grey.
    """
    lines = [("image", images)]
    for name, perturbation in perturbations.items():
        lines += [(f"{name} x{times}", 0.5 + times * perturbation) for times in (1, 5, 30)]
    figure = blank_figure(1.1 * len(images) + 1.6, 1.1 * len(lines))
    grid = figure.subplots(len(lines), len(images), squeeze=False)
    for (name, pictures), axes in zip(lines, grid, strict=True):
        for axis, picture in zip(axes, pictures, strict=True):
            axis.imshow(_displayable(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    return svg(figure)


def _displayable(picture: Tensor) -> Any:
    clamped = picture.detach().cpu().clamp(0, 1)
    return (clamped[0] if len(clamped) == 1 else torch.movedim(clamped, 0, -1)).numpy()


def _legend(figure: Figure, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
