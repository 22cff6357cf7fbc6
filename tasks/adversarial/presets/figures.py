"""Pictures of robust classifiers: accuracy curves, perturbations, training curves, robustness against cost.

Each is at most 4.6 inches wide, so that a phone shows it at a size that can be read; accuracies are per cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l.lab import blank_figure, svg
from tasks.adversarial.evaluation.roughness import roughness
from tasks.adversarial.presets.methods import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

# One for each method: matplotlib's ten, then their lighter shades.
COLOURS = (
    *(f"C{number}" for number in range(10)),
    *("#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94", "#f7b6d2", "#c7c7c7", "#dbdb8d", "#9edae5"),
)


@dataclass(frozen=True)
class Line:
    """How one run is drawn in every picture: named by its title, in the colour of its method."""

    title: str
    method: str

    def style(self) -> dict[str, Any]:
        """One colour a method; learned ones are solid with circles, hand-designed ones dashed with squares."""
        return {
            "label": self.title,
            "color": COLOURS[list(METHODS).index(self.method)],
            "linestyle": "-" if METHODS[self.method].learns else "--",
            "marker": "o" if METHODS[self.method].learns else "s",
        }


def accuracy_curves(
    curves: Mapping[Line, Mapping[str, Any]],
    field: str,
    label: str,
    *,
    log: bool = False,
    reference: Line | None = None,
) -> str:
    """Accuracy of each run against `field`, `"eps"` or `"steps"`, and how far above a reference, as SVG texts.

    Args:
        curves: of each run, by field, `x` and `accuracy`.
        field: which of them.
        label: under the picture.
        log: of the lower axis.
        reference: the run whose accuracy is taken off in the second picture; None leaves it out.
    """
    figure, axes = _panel(label, "accuracy, per cent")
    axes.set(ylim=(-2, 102))
    drawn = [(figure, axes, None)]
    if reference is not None:
        drawn.append(
            (*_panel(label, f"accuracy minus that of {reference.title}, points"), curves[reference][field])
        )
    styles = _told_apart(curves)
    for _, axes, base in drawn:
        for line, curve in curves.items():
            x, accuracy = curve[field]["x"], _per_cent(curve[field]["accuracy"])
            if base is not None:
                if base["x"] != x:
                    continue  # measured elsewhere, so there is no difference
                accuracy = [own - its for own, its in zip(accuracy, _per_cent(base["accuracy"]), strict=True)]
            axes.plot(x, accuracy, **styles[line])
        if log:
            axes.set_xscale("log")
            axes.set_xticks(ticks := next(iter(curves.values()))[field]["x"], [str(tick) for tick in ticks])
            axes.minorticks_off()
    return "".join(_drawn(figure, axes) for figure, axes, _ in drawn)


def training_curves(histories: Mapping[Line, Sequence[Mapping[str, float]]]) -> str:
    """Validation accuracy under PGM-10, and each attacker's loss over PGM-10's, against steps: two SVG texts.

    A run on unperturbed images has no attacker, and no curve in the second.
    """
    left, accuracy = _panel("training step", "validation PGM-10, per cent")
    right, ratio = _panel("training step", "own attacker's loss / PGM-10's")
    validated = {
        line: rows
        for line, history in histories.items()
        if (rows := [row for row in history if "validation_pgm_10" in row])
    }
    styles = _told_apart(validated)
    for line, rows in validated.items():
        steps = [row["step"] for row in rows]
        accuracy.plot(steps, _per_cent([row["validation_pgm_10"] for row in rows]), **styles[line])
        if line.method != "plain":
            ratio.plot(steps, [row["attack_ratio"] for row in rows], **styles[line])
    accuracy.set(ylim=(-2, 102))
    ratio.set(ylim=(-0.02, 1.2))
    return _drawn(left, accuracy) + _drawn(right, ratio)


def robustness_against_cost(
    rows: Mapping[Line, Mapping[str, Any]], intervals: Mapping[Line, tuple[float, float]], robust: str
) -> str:
    """Accuracy under one attack against training seconds, and against passes: two SVG texts.

    Each run is a hollow mark, so that those in the same place are rings around each other.

    Args:
        rows: the evaluation's row of each run.
        intervals: of each run's accuracy, fractions; drawn as bars.
        robust: the attack's field.
    """
    left, seconds = _panel("training seconds", "per cent robust")
    right, passes = _panel("passes: forward + input + weight gradient", "per cent robust")
    styles = _told_apart(rows)
    for line, row in rows.items():
        accuracy = 100 * row[robust]
        low, high = (100 * end for end in intervals[line])
        style = styles[line] | {"linestyle": "none", "fillstyle": "none"}
        counted = row["forward_passes"] + row["input_gradient_passes"] + row["weight_gradient_passes"]
        for axes, cost in ((seconds, row["train_seconds"]), (passes, counted)):
            axes.errorbar(cost, accuracy, yerr=[[accuracy - low], [high - accuracy]], **style)
    for axes in (seconds, passes):
        axes.set_xlim(0, 1.05 * axes.get_xlim()[1])  # a mark at an edge would be cut
        axes.set_ylim(-2, 102)
        axes.grid(color="0.92")
    return _drawn(left, seconds) + _drawn(right, passes)


def perturbation_grid(
    images: Tensor, labels: Tensor, attacks: Mapping[str, tuple[Tensor, Tensor]], eps: float
) -> str:
    """Images, and under them what each attack makes of them, as SVG text.

    Args:
        images: shape (n, channels, height, width), in [0, 1].
        labels: shape (n,); stand above the images.
        attacks: by name, the attacked images and the classes that the classifier sees in them. The class stands
            above the image, red where it is wrong; under it is the perturbation, enlarged around grey.
        eps: the perturbation that is drawn white, its negative black.
    """
    lines: list[tuple[str, Tensor, Tensor | None]] = [("image", images, labels)]
    for name, (attacked, seen) in attacks.items():
        lines += [(name, attacked, seen), ("change", 0.5 + (attacked - images) / (2 * eps), None)]
    figure = blank_figure(0.6 * len(images) + 1.3, 0.72 * len(lines))
    axes: Any = figure.subplots()  # one for all: each takes longer than what is drawn in it
    low, middles = 0.0, []
    for _, pictures, classes in lines:
        low -= 1.1 if classes is None else 1.45  # with room for the classes above
        high = low + 1
        middles.append(low + 0.5)
        for i, picture in enumerate(pictures):
            left, right = 1.1 * i, 1.1 * i + 1
            edges = (left, right, low, high)
            axes.imshow(_displayable(picture), extent=edges, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            # A frame right above each image: matplotlib makes one image of those that nothing is between.
            corners = (left, right, right, left), (low, low, high, high)
            axes.fill(*corners, fill=False, edgecolor="black", linewidth=0.8, zorder=0)
            if classes is not None:
                color = "black" if int(classes[i]) == int(labels[i]) else "C3"
                place = {"ha": "center", "va": "bottom"}
                axes.text(left + 0.5, high, str(int(classes[i])), fontsize=10, color=color, **place)
    axes.set(xlim=(-0.05, 1.1 * len(images)), ylim=(low - 0.05, 0), xticks=[])
    axes.set_yticks(middles, [name for name, *_ in lines], fontsize=10)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return svg(figure)


def magnified_perturbations(image: Tensor, attacks: Mapping[str, Tensor], eps: float) -> str:
    """One image under each attack, and the change around grey, 5 and 30 times as large, as SVG text.

    Args:
        image: shape (channels, height, width), in [0, 1].
        attacks: by name, the attacked image. Its perturbation's roughness stands beside it.
        eps: radius of the threat.
    """
    figure = blank_figure(4.4, 1.15 * len(attacks) + 0.3)
    draw_magnified(figure, image, attacks, eps)
    return svg(figure)


def draw_magnified(panel: Figure | SubFigure, image: Tensor, attacks: Mapping[str, Tensor], eps: float) -> None:
    """What `magnified_perturbations` shows, in a figure or a part of one.

    Args:
        panel: where.
        image: see there.
        attacks: by what is written beside it, the attacked image.
        eps: radius of the threat.
    """
    grid = panel.subplots(len(attacks), 3, squeeze=False)
    for (name, attacked), row in zip(attacks.items(), grid, strict=True):
        change = attacked - image
        for axes, picture in zip(row, (attacked, 0.5 + 5 * change, 0.5 + 30 * change), strict=True):
            axes.imshow(_displayable(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
        rough = f"{name}\nroughness {roughness(change[None], eps).item():.2f}"
        row[0].set_ylabel(rough, rotation=0, ha="right", va="center", fontsize=10)
    for axes, title in zip(grid[0], ("attacked", "change x 5", "change x 30"), strict=True):
        axes.set_title(title, fontsize=10, pad=3)


def _displayable(picture: Tensor) -> Any:
    clamped = picture.detach().cpu().clamp(0, 1)
    return (clamped[0] if len(clamped) == 1 else torch.movedim(clamped, 0, -1)).numpy()


def _told_apart(lines: Iterable[Line]) -> dict[Line, dict[str, Any]]:
    """Styles in which all of some curves are seen where they coincide: each is thinner than those below it.

    Learned ones lie below hand-designed ones, which are dashed.
    """
    below = sorted(lines, key=lambda line: not METHODS[line.method].learns)
    widths = {line: 1.0 + 3.0 * (1 - place / len(below)) for place, line in enumerate(below)}
    return {
        line: line.style() | {"linewidth": width, "markersize": 2 + 2 * width, "zorder": 3 - width / 10}
        for line, width in widths.items()
    }


def _per_cent(fractions: Sequence[float]) -> list[float]:
    return [100 * fraction for fraction in fractions]


def _panel(x: str, y: str) -> tuple[Figure, Any]:
    figure = blank_figure(4.2, 4.4)
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _drawn(figure: Figure, axes: Any) -> str:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return svg(figure)
