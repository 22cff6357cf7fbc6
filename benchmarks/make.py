"""Every table and figure of the documentation, made from benchmarks/results: `python -m benchmarks.make`.

Tables stand between the markers `<!-- table: NAME -->` and `<!-- end -->`; a test fails if a page holds another
table than the results give. Figures go to docs/images.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.figures import draw
from benchmarks.tables import TABLES
from minimax_l2l.lab import read_rows

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = (
    "README.md",
    "docs/results.md",
    "docs/results/adversarial.md",
    "docs/results/cost.md",
    "docs/results/defaults.md",
    "docs/results/games.md",
    "docs/results/imitation.md",
    "docs/results/real-images.md",
    "docs/results/stress.md",
    "docs/tasks/imitation.md",
    "docs/tuning.md",
)


def fill(page: str) -> str:
    """A page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        file, make = TABLES[match["name"]]
        return f"<!-- table: {match['name']} -->\n{make(read_rows(RESULTS / file))}\n<!-- end -->"

    return re.sub(r"<!-- table: (?P<name>[\w-]+) -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> None:
    """Write the pages and the figures."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(fill(path.read_text()))
    draw(RESULTS, ROOT / "docs" / "images")


if __name__ == "__main__":
    main()
