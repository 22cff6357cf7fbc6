"""What all tables share: rows of a result file in, Markdown out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def where(rows: Rows, **wanted: object) -> list[Mapping[str, Any]]:
    """The rows that have these values in these fields."""
    return [row for row in rows if all(row.get(field) == value for field, value in wanted.items())]


def spread(rows: Rows, field: str) -> str:
    """Mean and standard deviation of a fraction, in per cent."""
    values = [100 * row[field] for row in rows]
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table whose first column is flush left."""
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, rule, *lines))
