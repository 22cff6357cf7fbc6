"""The tables of the stress tests: pilots, the grid, and the verdict that was fixed before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.tables.markdown import Cell, Rows, each, groups, markdown, over, share, table, where, within
from tasks.gail.measures.statistics import Bootstrap, Estimate
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS

STEADINESS: dict[str, Cell] = {
    "mean score": each("area", ".2f"),
    "last tenth": each("last_tenth", ".2f"),
    "worst window": each("worst_window", ".2f"),
    "longest outage": each("longest_outage", "d"),
}


def _reached(row: Mapping[str, Any]) -> bool:
    return row["hit"] is not None


def _between(found: Estimate, sign: str = "") -> str:
    value, low, high = (format(number, f"{sign}.2f") for number in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def gail_cells(rows: Rows) -> str:
    """Original GAIL in the cells that were looked at: its last tenth, and what it had lost before."""
    cells = groups(rows, "setting", "stress")
    lines = [((SETTINGS[name].title, stress.split("-")[1]), own) for (name, stress), own in cells]
    return table(["environment", "steps per iteration"], {"reached": share(_reached), **STEADINESS}, lines)


def gail_stress_variants(rows: Rows) -> str:
    """What might steady the learned updater, seed by seed."""
    return table(["environment", "method"], STEADINESS, _by_method(rows))


def gail_stress_rates(rows: Rows) -> str:
    """Mean score over whole pilot runs by learning rate; the best of each method in each cell in bold."""
    return _by_rate(["environment", "method"], _by_method(rows))


def gail_stress_bounds(rows: Rows) -> str:
    """The same of the one method whose steps are bounded, by the bound."""
    return _by_rate(["environment"], [([title], own) for (title, _), own in _by_method(rows)])


def _by_rate(names: Sequence[str], groups_of_rows: Sequence[tuple[Sequence[str], Rows]]) -> str:
    rates = sorted({_rate(row) for _, own in groups_of_rows for row in own}, key=float)
    lines = []
    for titles, own in groups_of_rows:
        means = {rate: mean(row["area"] for row in own if _rate(row) == rate) for rate in rates}
        best = max(means, key=lambda rate: means[rate])
        cells = [f"**{value:.2f}**" if rate == best else f"{value:.2f}" for rate, value in means.items()]
        lines.append([*titles, *cells])
    return markdown([*names, *(f"{float(rate):g}" for rate in rates)], lines, names=len(names))


def _by_method(rows: Rows) -> list[tuple[Sequence[str], Rows]]:
    pairs = groups(rows, "setting", "method")
    return [((SETTINGS[setting].title, IMITATION[name].title), own) for (setting, name), own in pairs]


def _rate(row: Mapping[str, Any]) -> str:
    """What a stress such as "...-rate-0.1" ends with; a dash for one that sets no rate."""
    _, known, rate = row["stress"].rpartition("-rate-")
    return rate if known else "-"


def _mean_score(own: Rows) -> str:
    return _between(Bootstrap(np.random.default_rng(0)).interquartile_mean([[row["area"] for row in own]]))


def gail_stress(rows: Rows, setting: str) -> str:
    """How steady each method was in one cell of the grid."""
    columns = {
        "rate": lambda own: _rate(own[0]),
        "mean score (IQM)": _mean_score,
        "last tenth": over(mean, "last_tenth", ".2f"),
        "reached": share(_reached),
        "outages": share(lambda row: row["outage"]),
        "longest": over(max, "longest_outage"),
        "worst window": over(min, "worst_window", ".2f"),
        "drawdown": over(max, "drawdown", ".2f"),
        "worst tenth": over(mean, "cvar10", ".2f"),
        "score since": over(mean, "area_after_hit", ".2f"),
        "distance": over(mean, "energy_distance", ".2f"),
    }
    lines = [([method.title], where(rows, setting=setting, method=name)) for name, method in IMITATION.items()]
    return table(["method"], columns, lines)


def gail_stress_brief(rows: Rows, methods: Sequence[str]) -> str:
    """Some methods in both cells of the grid: mean scores, seeds with an outage, the longest one."""
    columns: dict[str, Cell] = {}
    for setting, cell in (("cartpole-style", "style target"), ("cartpole", "CartPole")):
        for title, show in (
            ("mean score", _mean_score),
            ("outages", share(lambda row: row["outage"])),
            ("longest", over(max, "longest_outage")),
        ):
            columns[f"{cell}: {title}"] = within(setting, show)
    return table(["method"], columns, [([IMITATION[name].title], where(rows, method=name)) for name in methods])


COMPARED = ("mean score", "P(higher)", "worst window", "P(higher)")


def gail_verdict(rows: Rows) -> str:
    """The learned updaters beside the others, seed by seed over both cells, as fixed before the runs."""
    lines = [
        [IMITATION[learned].title, IMITATION[other].title, *_beside(rows, learned, other)]
        for learned in ("coordinate-l2l", "coordinate-ball-l2l")
        for other in ("gail-adam", "c-gail", "gail-adam-ball", "noise", "noise-ball")
    ]
    return markdown(["learned", "beside", *COMPARED], lines, names=2)


def gail_verdict_cells(rows: Rows) -> str:
    """Methods in a ball beside the others, each cell for itself: survival alone solves one of them."""
    adams = ("gail-adam", "c-gail", "gail-adam-ball")
    compared = {
        "coordinate-ball-l2l": (*adams, "frozen-d"),
        "coordinate-bound-l2l": (*adams, "frozen-d", "coordinate-ball-l2l"),
        "gail-adam-ball": adams[:2],
    }
    lines = [
        [SETTINGS[setting].title, IMITATION[one].title, IMITATION[other].title, *_beside(own, one, other)]
        for (setting,), own in groups(rows, "setting")
        for one, others in compared.items()
        for other in others
    ]
    return markdown(["environment", "method", "beside", *COMPARED], lines, names=3)


def _beside(rows: Rows, one: str, other: str) -> list[str]:
    """Differences, and how likely an improvement is, over all settings that the rows are of."""
    cells = []
    for field in ("area", "worst_window"):
        ours, theirs = (
            [[row[field] for row in where(own, method=name)] for _, own in groups(rows, "setting")]
            for name in (one, other)
        )
        bootstrap = Bootstrap(np.random.default_rng(0))
        cells.append(_between(bootstrap.paired_difference(ours, theirs), "+"))
        cells.append(_between(bootstrap.probability_of_improvement(ours, theirs)))
    return cells
