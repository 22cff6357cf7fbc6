"""What a report says of runs of imitation: the table, the curves, how steady they are, what D knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minimax_l2l import DamagedRunError, RunFolder
from minimax_l2l.errors import require_choice
from minimax_l2l.lab import Section, environment_section, svg
from minimax_l2l.lab.advice import evaluating
from tasks.gail.measures.curves import Panel, discriminator_curves, return_curves, stability_dots
from tasks.gail.measures.stability import Stability, stability
from tasks.gail.measures.statistics import Bootstrap
from tasks.gail.presets.methods import CONTROLS, METHODS
from tasks.gail.presets.settings import SETTINGS

COLUMNS = {
    "final_return": ("return", "{:.1f}"),
    "final_score": ("score", "{:.2f}"),
    "hit": ("hit", "{:d}"),
    "worst_window": ("worst\nwindow", "{:.2f}"),
    "longest_outage": ("longest\noutage", "{:d}"),
    "cvar10": ("worst\ntenth", "{:.2f}"),
    "action_agreement": ("actions\nagree", "{:.2f}"),
    "energy_distance": ("energy\ndistance", "{:.3f}"),
    "expert_accuracy": ("D right:\nexpert", "{:.2f}"),
    "held_out_accuracy": ("held\nout", "{:.2f}"),
    "policy_accuracy": ("the\npolicy", "{:.2f}"),
    "train_seconds": ("seconds", "{:.1f}"),
}
SEEDS_COLUMNS = ("method", "seeds", "score at\nthe end", "mean\nscore", "worst\nwindow", "with an\noutage")
ROW_FIELDS = {"setting", "method", "seed", "data", "epochs", "inner_steps", *COLUMNS}
ROW_FIELDS |= {"random_return", "expert_return"}
CURVES = {"iterations", "returns", "expert_accuracy", "held_out_accuracy", "policy_accuracy"}

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """An evaluated run: its numbers, its curves, and what it was evaluated with."""

    folder: Path
    row: Mapping[str, Any]
    curves: Mapping[str, Sequence[float]]
    environment: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its method as people read it, with the discriminator's steps where they are several."""
        method, steps = str(self.row["method"]), self.row["inner_steps"]
        title = METHODS[method].title + (f", {steps} steps" if steps > 1 else "")
        return f"control: {title}" if method in CONTROLS else title

    @property
    def stability(self) -> Stability:
        """How steady its curve is."""
        return stability(
            [int(step) for step in self.curves["iterations"]],
            self.curves["returns"],
            random=self.row["random_return"],
            expert=self.row["expert_return"],
        )


def sections(folders: Sequence[Path], *, data: Path | None = None) -> list[Section]:  # noqa: ARG001
    """A page about some runs that have been evaluated, an expert after the other.

    `data` is not asked: evaluations hold all that is shown.

    Raises:
        DamagedRunError: if one of them has not been evaluated, or is damaged.
    """
    order = list(METHODS)
    runs = sorted(map(_measured, folders), key=lambda run: (order.index(run.row["method"]), run.row["seed"]))
    page = []
    for name, setting in SETTINGS.items():
        own = [run for run in runs if run.row["setting"] == name]
        alike = _grouped(own, lambda run: (run.row["data"], str(run.environment.get("data_sha256"))))
        for (shown, _), theirs in alike.items():
            taught = "" if shown == setting.dataset else f", taught by {shown}"
            page += _about(f"{setting.title}{taught}", theirs)
    return [*page, environment_section(runs[0].environment)]


def _about(title: str, runs: Sequence[Measured]) -> list[Section]:
    first = runs[0].row
    return [
        Section(
            f"{title}: what was learned",
            "Return and score are means over 100 fixed-seed episodes of the last policy, deterministic. A score of "
            f"0 is what random actions return, {first['random_return']:g}; 1 is what the expert returns, "
            f"{first['expert_return']:g}. Agreement is measured on held-out trajectories of the expert. The energy "
            "distance between the policy's and the expert's state-action pairs is 0 if they are alike. "
            f"{_on_controls(runs)}",
            table=_table(runs),
        ),
        *_over_seeds(title, runs),
        Section(
            f"{title}: return against iteration",
            "Evaluations of the deterministic policy during training, by the environment's own reward, which no "
            f"policy is trained on. {_on_divergence(runs)}",
            figure=svg(return_curves(_panels(title, runs))),
        ),
        Section(
            f"{title}: stability",
            "The hit is the iteration at which the mean score of ten evaluations first reached 0.95. After the hit "
            "the worst window is the lowest mean of ten, the longest outage is the most iterations in a row below "
            "0.8, and the worst tenth is the mean of the lowest tenth of evaluations. A run without a hit counts "
            "as one outage of the whole run, with a worst window of 0.",
            figure=svg(stability_dots(_by_method(runs, lambda run: run.stability))),
        ),
        Section(
            f"{title}: what the discriminator knows",
            "Share of pairs that it gets right; in the table, over the run's last tenth. A discriminator that is "
            "right on the pairs it learned from and wrong on held-out ones knows its demonstrations rather than "
            "the expert. If accuracies are near one half for policy and expert, it cannot tell the two apart.",
            figure=svg(discriminator_curves(_by_method(runs, lambda run: run.curves))),
        ),
    ]


def _on_divergence(runs: Sequence[Measured]) -> str:
    """Which runs ended before their time, and what is shown of them."""
    gone = [
        f"{run.title}, seed {run.row['seed']}, after iteration {run.row['diverged']}"
        for run in runs
        if run.row.get("diverged") is not None
    ]
    if not gone:
        return ""
    return (
        f"The objective became NaN or infinite in {'; '.join(gone)}. From there on the return of random actions is "
        "drawn. What was learned is that of the last good step."
    )


def _over_seeds(title: str, runs: Sequence[Measured]) -> list[Section]:
    """Interquartile means with their doubt, where a method has several seeds with runs of one length."""
    cells = []
    for (name, length), alike in _grouped(runs, lambda run: (run.title, run.row["epochs"])).items():
        group = [theirs[0] for theirs in _grouped(alike, lambda run: run.row["seed"]).values()]
        if len(group) > 1:
            cells.append([f"{name}, {length} iterations", str(len(group)), *_estimates(group)])
    if not cells:
        return []
    return [
        Section(
            f"{title}: over the seeds",
            "Interquartile means over a method's seeds, with 95 % bootstrap intervals in brackets. With few seeds "
            "the intervals are too short. An interquartile mean leaves out the lowest and the highest quarter, so "
            "the runs with an outage are counted beside it.",
            table=([*SEEDS_COLUMNS], cells),
        )
    ]


def _estimates(group: Sequence[Measured]) -> list[str]:
    cells = []
    for values in (
        [run.row["final_score"] for run in group],
        [run.stability.area for run in group],
        [run.stability.worst_window for run in group],
    ):
        estimate = Bootstrap(np.random.default_rng(0)).interquartile_mean([values])
        cells.append(f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})")
    return [*cells, str(sum(run.stability.outage for run in group))]


def _on_controls(runs: Iterable[Measured]) -> str:
    present = {run.row["method"] for run in runs}
    missing = [name for name in CONTROLS if name not in present and METHODS[name].radius is None]
    if not missing:
        return "Only what no control reaches says something about the discriminator."
    return (
        f"The controls {', '.join(missing)} are missing here. Without them a return says little about the "
        "discriminator: some environments are solved with one that is never trained."
    )


def _table(runs: Sequence[Measured]) -> tuple[list[str], list[list[str]]]:
    """Result rows as column titles and cells."""
    lines = []
    for name, run in zip(_names(runs), runs, strict=True):
        values = [(run.row[field], form) for field, (_, form) in COLUMNS.items()]
        lines.append([name, *("-" if value is None else form.format(value) for value, form in values)])
    return ["method", *(title for title, _ in COLUMNS.values())], lines


def _names(runs: Sequence[Measured]) -> list[str]:
    """Each run named by its method; by its seed too where a method occurs twice, by its folder if need be."""
    names = [run.title for run in runs]
    for addition in ([f"seed {run.row['seed']}" for run in runs], [run.folder.name for run in runs]):
        often = Counter(names)
        names = [f"{name}, {more}" if often[name] > 1 else name for name, more in zip(names, addition, strict=True)]
    return names


def _grouped(runs: Iterable[Measured], key: Callable[[Measured], K]) -> dict[K, list[Measured]]:
    """Those of one key together, in the order in which keys first come."""
    groups: dict[K, list[Measured]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _by_method(runs: Sequence[Measured], value: Callable[[Measured], T]) -> dict[str, list[T]]:
    """Values of runs, those of one method together."""
    return {name: [value(run) for run in theirs] for name, theirs in _grouped(runs, lambda run: run.title).items()}


def _panels(title: str, runs: Sequence[Measured]) -> list[Panel]:
    """One panel for each length of runs: curves of one panel share their iterations."""
    lengths = _grouped(runs, lambda run: tuple(run.curves["iterations"]))
    return [
        Panel(
            title=title if len(lengths) == 1 else f"{title}, {iterations[-1]} iterations",
            iterations=[int(step) for step in iterations],
            returns=_by_method(theirs, lambda run: run.curves["returns"]),
            expert=theirs[0].row["expert_return"],
            random=theirs[0].row["random_return"],
        )
        for iterations, theirs in lengths.items()
    ]


def _measured(folder: Path) -> Measured:
    file = folder / "evaluation.json"
    if not file.is_file():
        raise DamagedRunError(f"{folder} has not been evaluated; run `{evaluating(folder)}` first.")
    content = RunFolder(folder).read_json(file.name)
    rows, curves = content.get("rows"), content.get("curves")
    row = rows[0] if isinstance(rows, list) and rows else None
    if (
        not isinstance(row, dict)
        or not isinstance(curves, dict)
        or not row.keys() >= ROW_FIELDS
        or not curves.keys() >= CURVES
        or "environment" not in content
    ):
        raise DamagedRunError(f"{file} lacks what a report needs; run `{evaluating(folder)}` again.")
    require_choice("setting", str(row["setting"]), SETTINGS)
    require_choice("method", str(row["method"]), METHODS)
    return Measured(folder, row, curves, content["environment"])
