"""The tables of games: who settles which, and at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tables.markdown import Rows, groups, markdown, where
from tasks.games.experiments.methods import HAND_DESIGNED, LEARNED, SHIPPED, UNTRAINED
from tasks.games.suite import SUITE

ENOUGH = 0.95  # share of games, for a family to count as solved
RIVALS = ("extragradient", "optimistic", "consensus", "competitive")


def by_family(rows: Rows) -> str:
    """Median evaluations, and games solved: learned, untrained, Anderson, and the best of four rivals."""
    lines = []
    for (family,), own in groups(rows, "family"):
        if not own[0]["solvable"]:
            continue
        cells = [_cell(_usual(own, name)) for name in (SHIPPED, UNTRAINED, "anderson")]
        best = _best([_usual(own, name) for name in RIVALS])
        rival = f"{_cell(best)}, {HAND_DESIGNED[best['method']].title}" if best["solved"] else "-"
        circles = "yes" if SUITE[family].circles else "no"
        lines.append([f"`{family}`", circles, str(own[0]["dimensions"]), *cells, rival])
    titles = ["family", "gradient play circles", "numbers", "learned", "untrained", "Anderson", "best of four"]
    return markdown(titles, lines, names=2)


def by_method(rows: Rows) -> str:
    """With one setting for all families: how many each solves, and at how many it ends at a wrong point."""
    solvable = [own for _, own in groups(rows, "family") if own[0]["solvable"]]
    tempting = ("swapped-saddle", "ridge-2", "func4-wide", "func5", "lower-bound")
    lines = []
    for name, title in {**LEARNED, **{name: one.title for name, one in HAND_DESIGNED.items()}}.items():
        own = [_usual(rows_of, name) for _, rows_of in groups(rows, "family")]
        solved = sum(row["solved"] >= ENOUGH * row["solvable"] for row in own if row["solvable"])
        wrong = [f"{100 * row['wrong'] / row['games']:.0f}" for row in own if row["family"] in tempting]
        lines.append([title, f"{solved} of {len(solvable)}", " / ".join(wrong)])
    return markdown(["method, one setting", "families solved", "per cent at a wrong point"], lines)


def _usual(rows: Rows, method: str) -> Mapping[str, Any]:
    """The row of a method with its one setting."""
    step_size = HAND_DESIGNED[method].usual if method in HAND_DESIGNED else None
    (row,) = where(rows, method=method, step_size=step_size)
    return row


def _cell(row: Mapping[str, Any]) -> str:
    share = row["solved"] / row["games"]
    if row["evaluations"] is None:
        return "-"
    return f"{row['evaluations']:.0f}" + ("" if share == 1 else f" ({100 * share:.0f} %)")


def _best(rows: Rows) -> Mapping[str, Any]:
    """The most games solved, to within the 5 per cent that do not count; among these the fewest evaluations."""
    most = max(row["solved"] for row in rows)
    good = [row for row in rows if row["solved"] and row["solved"] >= min(most, ENOUGH * row["games"])]
    return min(good or rows, key=lambda row: row["evaluations"] or 0)
