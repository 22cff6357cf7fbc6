"""The tables of the documentation, made from the files in benchmarks/results: `python benchmarks/tables.py`.

It rewrites the tables between the markers `<!-- table: NAME -->` and `<!-- end -->`; a test fails if a page holds
another table than the results give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from tasks.adversarial.methods import METHODS, TABLE

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/results.md", "docs/tuning.md")
Rows = Sequence[Mapping[str, Any]]


def digits(rows: Rows) -> str:
    """Every method's three-seed means; accuracies in per cent with their standard deviation over seeds."""
    return _digits_table(rows, METHODS)


def digits_short(rows: Rows) -> str:
    """The methods of the demo."""
    return _digits_table(rows, TABLE)


def _digits_table(rows: Rows, methods: Sequence[str] | Mapping[str, Any]) -> str:
    slowest = mean(row["train_seconds"] for row in rows if row["method"] == "pgm-10")
    lines = []
    for name in methods:
        own = [row for row in rows if row["method"] == name]
        if not own:
            continue
        seconds = mean(row["train_seconds"] for row in own)
        lines.append(
            [
                METHODS[name].title,
                *(_spread(own, field) for field in ("clean", "pgm_100", "cw_100", "autoattack")),
                f"{seconds:.1f}",
                f"{seconds / slowest:.2f}",
                " / ".join(
                    f"{own[0][field] // own[0]['weight_gradient_passes']}"
                    for field in ("forward_passes", "input_gradient_passes", "weight_gradient_passes")
                ),
                f"{own[0]['flops'] / 1e9:.0f}",
            ]
        )
    titles = ["trained with", "clean", "PGM-100", "CW-100", "AutoAttack", "seconds", "of PGM-10's"]
    return _markdown([*titles, "passes a batch: f / dx / dw", "GFLOPs"], lines)


def tuning(rows: Rows) -> str:
    """Validation accuracy of every setting that was tried, mean over the seeds; the best of each method in bold."""
    settings = {}
    for row in rows:
        if row["eps"] == 0.15 and row["method"] != "plain":
            key = (row["method"], row["step_size"], row["random_start"])
            settings.setdefault(key, {}).setdefault(row["query_mode"], []).append(row["robust"])
    best: dict[str, float] = {}
    for (method, *_), modes in settings.items():
        best[method] = max(best.get(method, 0.0), *(mean(values) for values in modes.values()))
    lines = []
    for (method, step_size, start), modes in settings.items():
        cells = [
            f"**{100 * mean(modes[mode]):.1f}**"
            if mode in modes and mean(modes[mode]) == best[method]
            else f"{100 * mean(modes[mode]):.1f}"
            if mode in modes
            else "-"
            for mode in ("train", "eval")
        ]
        lines.append([METHODS[method].title, f"{step_size:g}", f"{start:g}", *cells])
    return _markdown(["method", "step / eps", "random start", "queries in train mode", "in eval mode"], lines)


def tuning_eps(rows: Rows) -> str:
    """Validation accuracy of plain and PGM-10 training at each radius, mean over the seeds."""
    lines = []
    for eps in sorted({row["eps"] for row in rows}):
        cells = []
        for method in ("plain", "pgm-10"):
            own = [
                row["robust"]
                for row in rows
                if row["method"] == method
                and row["eps"] == eps
                and row["query_mode"] == "eval"
                and row["step_size"] in (0.0, 0.25)
            ]
            cells.append(f"{100 * mean(own):.1f}")
        lines.append([f"{eps:g}", *cells])
    return _markdown(["eps", "Plain", "PGM-10"], lines)


TABLES: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "digits": ("digits.json", digits),
    "digits-short": ("digits.json", digits_short),
    "digits-tuning": ("digits-tuning.json", tuning),
    "digits-eps": ("digits-tuning.json", tuning_eps),
}


def fill(page: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        file, make = TABLES[match["name"]]
        rows = json.loads((ROOT / "benchmarks" / "results" / file).read_text())["rows"]
        return f"<!-- table: {match['name']} -->\n{make(rows)}\n<!-- end -->"

    return re.sub(r"<!-- table: (?P<name>[\w-]+) -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def _spread(rows: Rows, field: str) -> str:
    values = [100 * row[field] for row in rows]
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def _markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, rule, *lines))


if __name__ == "__main__":
    for name in PAGES:
        path = ROOT / name
        path.write_text(fill(path.read_text()))
