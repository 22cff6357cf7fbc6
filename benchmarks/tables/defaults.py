"""The tables of defaults: inner optimizers on problems that nobody tuned them for."""

from __future__ import annotations

from statistics import mean, stdev

from benchmarks.tables.markdown import Rows, groups, markdown, where

TITLES = {
    "start": "y stays at its start",
    "gradient": "GradientAscent",
    "adam": "Adam",
    "pgm": "PGM",
    "extragradient": "ExtraGradient",
    "default-l2l": "LearnedOptimizer",
    "unguided-l2l": "not guided",
    "gram-games-l2l": "for games",
}


def by_problem(rows: Rows) -> str:
    """Mean and deviation of each problem's number, method by method; the best mean in bold."""
    lines = []
    for (problem,), own in groups(rows, "problem"):
        cells = {method: [row["value"] for row in where(own, method=method)] for method in TITLES}
        whole = {method: mean(values) for method, values in cells.items() if values and None not in values}
        best = min(whole.values())
        star = "" if own[0]["looked_at"] else " *"
        lines.append([problem + star, *(_told(cells[method], best) for method in TITLES)])
    return markdown(["problem", *TITLES.values()], lines)


def continuous(rows: Rows) -> str:
    """The last score of each seed, and their mean."""
    names = {"default-l2l": "LearnedOptimizer(MLPUpdater())", "gail-adam": "Adam()"}
    worlds = {"PointMass": "point mass", "Arm": "arm"}
    lines = [
        [worlds[world], f"`{names[method]}`", *(f"{row['score']:.2f}" for row in own), _mean(own)]
        for (world, method), own in groups(rows, "environment", "method")
    ]
    seeds = sorted({row["seed"] for row in rows})
    titles = ["environment", "discriminator updated by", *(f"seed {seed}" for seed in seeds), "mean"]
    return markdown(titles, lines, names=2)


def _mean(rows: Rows) -> str:
    return f"{mean(row['score'] for row in rows):.2f}"


def _told(values: list[float | None], best: float) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers or len(numbers) < len(values):
        return "-"
    told = f"{mean(numbers):.3g}"
    told = f"**{told}**" if mean(numbers) == best else told
    return f"{told} ± {stdev(numbers):.2g}" if len(numbers) > 1 else told
