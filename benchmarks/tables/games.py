"""The tables of games: who settles which, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.tables.markdown import Rows, groups, markdown, where
from tasks.games.experiments.methods import COORDINATES, HAND_DESIGNED, LEARNED, SEEDS, SHIPPED, TUNED, UNTRAINED
from tasks.games.suite import SUITE

TEMPTING = ("swapped-saddle", "ridge-2", "func4-wide", "func5", "lower-bound")  # families with wrong points
# Families whose form, whatever its numbers and starts, is among the games of practice.
PRACTISED = (
    *("xy", "saddle", "rotated-saddle", "matrix-1", "cgd-bilinear-3", "cgd-bilinear-6", "cgd-saddle"),
    *("swapped-saddle", "ridge-1", "ridge-2", "func4", "func4-wide", "lower-bound"),
)
ENOUGH = 0.95  # share of games, for a family to count as solved
TITLES = {
    **LEARNED,
    **{name: f"gram-games, trained with seed {seed}" for name, seed in SEEDS.items()},
    **{name: f"{title}, learned" for name, title in COORDINATES.items()},
    **{name: one.title for name, one in HAND_DESIGNED.items()},
}
RIVALS = ("extragradient", "optimistic", "consensus", "competitive")


def by_family(rows: Rows) -> str:
    """Median evaluations and games settled: `gram-games`, other seeds, no network, Anderson, four rivals."""
    lines = []
    for (family,), own in groups(rows, "family"):
        if not own[0]["solvable"]:
            continue
        seeds = [row for name in SEEDS if (row := _usual(own, name))]
        cells = [
            _cell(_usual(own, SHIPPED)),
            _range(seeds),
            *(_cell(_usual(own, name)) for name in (UNTRAINED, "anderson")),
        ]
        rival = best_tuned(own)
        told = (
            f"{_cell(rival)}, {HAND_DESIGNED[rival['method']].title} {rival['step_size']:g}"
            if rival["solved"]
            else "-"
        )
        circles = "yes" if SUITE[family].circles else "no"
        mark = " *" if family in PRACTISED else ""
        lines.append([f"`{family}`{mark}", circles, str(own[0]["dimensions"]), *cells, told])
    titles = [
        "family",
        "gradient play fails",
        "dimension",
        "gram-games",
        "four more seeds",
        "network at zero",
        "Anderson",
    ]
    return markdown([*titles, "best of four, tuned"], lines, names=2)


def by_method(rows: Rows) -> str:
    """How many families each solves, with one setting and tuned, and how often it ends at a wrong point."""
    return _of(rows, list(TITLES))


def in_brief(rows: Rows) -> str:
    """The same of the methods that most people would think of."""
    return _of(rows, [SHIPPED, UNTRAINED, "anderson", "competitive", "consensus", "extragradient", "gradient"])


def _of(rows: Rows, methods: Sequence[str]) -> str:
    titles = [
        "method",
        "families settled, one setting",
        "best one setting",
        "tuned for each",
        "per cent at a wrong point, one setting",
    ]
    return markdown(titles, _lines(rows, methods))


def _lines(rows: Rows, methods: Sequence[str]) -> list[list[str]]:
    """Of some methods, in this order; families that a method was not measured on are left out of its counts."""
    families = [own for _, own in groups(rows, "family")]
    lines = []
    for name in methods:
        own = [row for rows_of in families for row in [_usual(rows_of, name)] if row]
        solvable = [row for row in own if row["solvable"]]
        wrong = [f"{100 * row['wrong'] / row['games']:.0f}" for row in own if row["family"] in TEMPTING]
        solved = f"{sum(map(_settled, solvable))} of {len(solvable)}"
        lines.append(
            [TITLES[name], solved, _best_single(families, name), _tuned(families, name), " / ".join(wrong)]
        )
    return lines


def in_noise(rows: Rows) -> str:
    """How many families each settles where gradients are noisy, and how often it ends at a wrong point."""
    return markdown(
        ["method", "families settled", "per cent at a wrong point"],
        [[line[0], line[1], line[-1]] for line in _lines(rows, [*LEARNED, *HAND_DESIGNED])],
    )


def by_size(rows: Rows) -> str:
    """Median evaluations of each method at each size, with its best step size."""
    lines = [
        [titled(own), *(_cell(best_of(at)) for _, at in groups(own, "dimensions"))]
        for _, own in groups(rows, "method")
    ]
    sizes = sorted({row["dimensions"] for row in rows})
    return markdown(["method", *(f"{size:,} numbers" for size in sizes)], lines)


def of_practice(rows: Rows) -> str:
    """How long practice took with each seed."""
    titles = ["seed", *(str(row["seed"]) for row in rows)]
    return markdown(titles, [["seconds", *(f"{row['seconds']:.0f}" for row in rows)]])


def of_the_ring(rows: Rows) -> str:
    """How many modes each method's GAN covers in the end, seed by seed."""
    lines = [[name, ", ".join(str(row["modes"][-1]) for row in own)] for (name,), own in groups(rows, "method")]
    return markdown(["moved by", "modes of eight, three seeds"], lines)


def titled(rows: Rows) -> str:
    """What a method is called, whose best step size counts where it has one."""
    return TITLES[rows[0]["method"]] + (", tuned" if rows[0]["step_size"] else "")


def best_tuned(rows: Rows) -> Mapping[str, Any]:
    """Of all settings of the four rivals."""
    return best_of([row for row in rows if row["method"] in RIVALS])


def best_of(rows: Rows) -> Mapping[str, Any]:
    """The most games solved, up to 5 per cent; then the fewest evaluations."""
    most = max(row["solved"] for row in rows)
    good = [row for row in rows if row["solved"] and row["solved"] >= min(most, ENOUGH * row["games"])]
    return min(good or rows, key=lambda row: row["evaluations"] or 0)


def _settled(row: Mapping[str, Any]) -> bool:
    return row["solvable"] > 0 and row["solved"] >= ENOUGH * row["solvable"]


def _best_single(families: Sequence[Rows], method: str) -> str:
    """How many families it solves with the step size that does best over all of them, and which one that is."""
    if method not in TUNED:
        return "-"
    rows = [row for rows in families for row in where(rows, method=method)]
    found = {size: sum(map(_settled, own)) for (size,), own in groups(rows, "step_size")}
    best = max(found, key=lambda size: found[size])
    return f"{found[best]} ({best:g})"


def _tuned(families: Sequence[Rows], method: str) -> str:
    """How many families it solves with one of its step sizes, if it was tried with several."""
    own = [where(rows, method=method) for rows in families]
    return str(sum(any(map(_settled, rows)) for rows in own)) if method in TUNED else "-"


def _usual(rows: Rows, method: str) -> Mapping[str, Any] | None:
    """The row of a method with its one setting; None if it was not measured."""
    step_size = HAND_DESIGNED[method].usual if method in HAND_DESIGNED else None
    return next(iter(where(rows, method=method, step_size=step_size)), None)


def _range(rows: Rows) -> str:
    """Medians from the least to the most, the smallest share of games solved, and how many seeds, if not all."""
    if not rows:
        return "not measured"
    medians = sorted({row["evaluations"] for row in rows if row["evaluations"] is not None})
    if not medians:
        return "-"
    share = min(row["solved"] / row["games"] for row in rows)
    ends = f"{medians[0]:.0f}" if len(medians) == 1 else f"{medians[0]:.0f} to {medians[-1]:.0f}"
    few = "" if len(rows) == len(SEEDS) else f", {len(rows)} seeds"
    return ends + ("" if share == 1 else f" ({100 * share:.0f} %)") + few


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not measured"
    if row["evaluations"] is None:
        return "-"
    share = row["solved"] / row["games"]
    return f"{row['evaluations']:.0f}" + ("" if share == 1 else f" ({100 * share:.0f} %)")
