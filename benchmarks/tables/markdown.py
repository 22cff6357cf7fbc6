"""What all tables share: rows of a result file in, Markdown out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

Rows = Sequence[Mapping[str, Any]]
Cell = Callable[[Rows], str]


def where(rows: Rows, **wanted: object) -> list[Mapping[str, Any]]:
    """The rows that have these values in these fields."""
    return [row for row in rows if all(row.get(field) == value for field, value in wanted.items())]


def groups(rows: Rows, *fields: str) -> list[tuple[tuple[Any, ...], Rows]]:
    """The values that these fields take together, each with its rows, in the order in which they appear."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[field] for field in fields), []).append(row)
    return list(found.items())


def over(summary: Callable[..., Any], field: str, form: str = "", *, scale: float = 1) -> Cell:
    """One number for all rows, such as the `mean` of a field; a dash where rows do not have it."""
    return lambda own: format(scale * summary(row[field] for row in own), form) if field in own[0] else "-"


def each(field: str, form: str, *, scale: float = 1) -> Cell:
    """A number for each row."""
    return lambda own: ", ".join(format(scale * row[field], form) for row in own)


def share(test: Callable[[Mapping[str, Any]], bool]) -> Cell:
    """How many of the rows pass a test."""
    return lambda own: f"{sum(map(test, own))} of {len(own)}"


def within(setting: str, cell: Cell) -> Cell:
    """A cell about the rows of one setting."""
    return lambda own: cell(where(own, setting=setting))


def spread(field: str) -> Cell:
    """Mean and standard deviation of a fraction, in per cent."""

    def cell(own: Rows) -> str:
        values = [100 * row[field] for row in own]
        return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"

    return cell


def table(titles: Sequence[str], columns: Mapping[str, Cell], lines: Iterable[tuple[Sequence[str], Rows]]) -> str:
    """A line for each group of rows that is not empty: what it is called, and each column's cell."""
    shown = [[*names, *(cell(own) for cell in columns.values())] for names, own in lines if own]
    return markdown([*titles, *columns], shown, names=len(titles))


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]], names: int = 1) -> str:
    """A table whose first columns, those of names, are flush left."""
    rule = [*["---"] * names, *["---:"] * (len(titles) - names)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, rule, *lines))
