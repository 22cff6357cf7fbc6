"""The tables of the stress tests: pilots, the grid, and the verdict that was fixed before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

import numpy as np

from benchmarks.tables.markdown import Rows, markdown, where
from tasks.gail.measures.statistics import Bootstrap
from tasks.gail.presets.methods import METHODS as IMITATION
from tasks.gail.presets.settings import SETTINGS

STEADINESS = (("area", ".2f"), ("last_tenth", ".2f"), ("worst_window", ".2f"), ("longest_outage", "d"))


def gail_cells(rows: Rows) -> str:
    """Original GAIL in the cells that were looked at: its last tenth, and what it had lost before."""
    lines = []
    for setting, stress in dict.fromkeys((row["setting"], row["stress"]) for row in rows):
        own = where(rows, setting=setting, stress=stress)
        cells = [f"{sum(row['hit'] is not None for row in own)} of {len(own)}"]
        for field, form in STEADINESS:
            cells.append(", ".join(format(row[field], form) for row in own))
        lines.append([SETTINGS[setting].title, stress, *cells])
    titles = ["environment", "cell", "reached", "mean score", "last tenth", "worst window", "longest outage"]
    return markdown(titles, lines)


def gail_stress_variants(rows: Rows) -> str:
    """What might steady the learned updater, seed by seed."""
    lines = []
    for setting, name in dict.fromkeys((row["setting"], row["method"]) for row in rows):
        own = where(rows, setting=setting, method=name)
        cells = [", ".join(format(row[field], form) for row in own) for field, form in STEADINESS]
        lines.append([SETTINGS[setting].title, IMITATION[name].title, *cells])
    return markdown(["environment", "method", "mean score", "last tenth", "worst window", "longest outage"], lines)


def gail_stress_rates(rows: Rows) -> str:
    """Mean score over whole pilot runs by rate or bound; the best of each method in each cell in bold."""
    parsed = [{**row, "rate": float(row["stress"].rsplit("-rate-", 1)[1])} for row in rows]
    rates = sorted({row["rate"] for row in parsed})
    lines = []
    for setting, name in dict.fromkeys((row["setting"], row["method"]) for row in parsed):
        own = where(parsed, setting=setting, method=name)
        means = {rate: mean(row["area"] for row in own if row["rate"] == rate) for rate in rates}
        best = max(means, key=lambda rate: means[rate])
        cells = [f"**{value:.2f}**" if rate == best else f"{value:.2f}" for rate, value in means.items()]
        lines.append([SETTINGS[setting].title, IMITATION[name].title, *cells])
    return markdown(["environment", "method", *(f"{rate:g}" for rate in rates)], lines)


def gail_stress(setting: str) -> Callable[[Rows], str]:
    """How steady each method was in one cell of the grid."""

    def table(rows: Rows) -> str:
        lines = []
        for name, method in IMITATION.items():
            own = where(rows, setting=setting, method=name)
            if own:
                lines.append([method.title, *_steadiness(own)])
        titles = [
            "method",
            "rate",
            "mean score (IQM)",
            "last tenth",
            "reached",
            "outages",
            "longest",
            "worst window",
        ]
        return markdown([*titles, "drawdown", "worst tenth", "score since", "distance"], lines)

    return table


def _steadiness(own: Rows) -> list[str]:
    rate = own[0]["stress"].rsplit("-rate-", 1)
    area = Bootstrap(np.random.default_rng(0)).interquartile_mean([[row["area"] for row in own]])
    return [
        rate[1] if len(rate) == 2 else "-",
        f"{area.value:.2f} ({area.low:.2f} to {area.high:.2f})",
        f"{mean(row['last_tenth'] for row in own):.2f}",
        f"{sum(row['hit'] is not None for row in own)} of {len(own)}",
        f"{sum(row['outage'] for row in own)} of {len(own)}",
        f"{max(row['longest_outage'] for row in own)}",
        f"{min(row['worst_window'] for row in own):.2f}",
        f"{max(row['drawdown'] for row in own):.2f}",
        f"{mean(row['cvar10'] for row in own):.2f}",
        f"{mean(row['area_after_hit'] for row in own):.2f}",
        f"{mean(row['energy_distance'] for row in own):.2f}",
    ]


COMPARED = ("mean score", "P(higher)", "worst window", "P(higher)")


def gail_verdict(rows: Rows) -> str:
    """The learned updaters beside the others, seed by seed over both cells, as fixed before the runs."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    lines = [
        [IMITATION[learned].title, IMITATION[other].title, *_beside(rows, settings, learned, other)]
        for learned in ("coordinate-l2l", "coordinate-ball-l2l")
        for other in ("gail-adam", "c-gail", "gail-adam-ball", "noise", "noise-ball")
    ]
    return markdown(["learned", "beside", *COMPARED], lines)


def gail_verdict_cells(rows: Rows) -> str:
    """Methods in a ball beside the others, each cell for itself: survival alone solves one of them."""
    lines = [
        [
            SETTINGS[setting].title,
            IMITATION[one].title,
            IMITATION[other].title,
            *_beside(rows, [setting], one, other),
        ]
        for setting in dict.fromkeys(row["setting"] for row in rows)
        for one, others in (
            ("coordinate-ball-l2l", ("gail-adam", "c-gail", "gail-adam-ball", "frozen-d")),
            ("coordinate-bound-l2l", ("gail-adam", "c-gail", "gail-adam-ball", "frozen-d", "coordinate-ball-l2l")),
            ("gail-adam-ball", ("gail-adam", "c-gail")),
        )
        for other in others
    ]
    return markdown(["environment", "method", "beside", *COMPARED], lines)


def _beside(rows: Rows, settings: Sequence[str], one: str, other: str) -> list[str]:
    cells = []
    for field in ("area", "worst_window"):
        ours, theirs = (
            [
                [row[field] for row in rows if (row["setting"], row["method"]) == (setting, name)]
                for setting in settings
            ]
            for name in (one, other)
        )
        bootstrap = Bootstrap(np.random.default_rng(0))
        difference = bootstrap.paired_difference(ours, theirs)
        better = bootstrap.probability_of_improvement(ours, theirs)
        cells += [
            f"{difference.value:+.2f} ({difference.low:+.2f} to {difference.high:+.2f})",
            f"{better.value:.2f} ({better.low:.2f} to {better.high:.2f})",
        ]
    return cells
