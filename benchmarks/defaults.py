"""What inner optimizers do on problems that nobody tuned them for, each with its own defaults.

    OMP_NUM_THREADS=1 python -m benchmarks.defaults --out defaults.json

A row is one problem, one method and one seed; rows that the file holds already are not played again. The value is
the problem's own number, see `benchmarks.own_problems`: lower is better. PGM, which has no default step size, takes
2.5 times the set's size over K, or 0.1 where there is no set or y lives on.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

from benchmarks.own_problems import LOOKED_AT, UNTOUCHED, OwnProblem
from minimax_l2l import (
    PGM,
    Adam,
    ExtraGradient,
    GradientAscent,
    InnerOptimizer,
    LearnedOptimizer,
    MLPUpdater,
    NonFiniteError,
)
from minimax_l2l.lab import read_rows, write_rows

PROBLEMS: Mapping[str, type[OwnProblem]] = {**LOOKED_AT, **UNTOUCHED}


def pgm(task: type[OwnProblem]) -> PGM:
    """With a step size by the rule above; a start at random where that is its default and makes sense."""
    if task.radius is None or task.lives_on:
        return PGM(steps=task.inner_steps, step_size=0.1, random_start=0.0)
    return PGM(steps=task.inner_steps, step_size=2.5 * task.radius / task.inner_steps)


def pretrained(steps: int) -> LearnedOptimizer:
    """The one for games, which learns on."""
    optimizer = LearnedOptimizer.from_pretrained("gram-games")
    optimizer.steps = steps
    return optimizer


METHODS: Mapping[str, Callable[[type[OwnProblem]], InnerOptimizer]] = {
    "start": lambda _: GradientAscent(steps=0),
    "gradient": lambda task: GradientAscent(steps=task.inner_steps),
    "adam": lambda task: Adam(steps=task.inner_steps),
    "pgm": pgm,
    "extragradient": lambda task: ExtraGradient(steps=task.inner_steps),
    "default-l2l": lambda task: LearnedOptimizer(MLPUpdater(), steps=task.inner_steps),
    "unguided-l2l": lambda task: LearnedOptimizer(
        MLPUpdater(), steps=task.inner_steps, guided=False, max_relative_step=None
    ),
    "gram-games-l2l": lambda task: pretrained(task.inner_steps),
}


@dataclass(frozen=True)
class Played:
    """A problem, a method, a seed."""

    problem: str
    method: str
    seed: int

    @property
    def identity(self) -> dict[str, Any]:
        """What tells its row from others."""
        return {"problem": self.problem, "method": self.method, "seed": self.seed}

    def row(self) -> dict[str, Any]:
        """Play it: the number, and whether the run said that y gets worse or explodes; None if it broke down."""
        torch.manual_seed(self.seed)
        optimizer = METHODS[self.method](PROBLEMS[self.problem])
        task = PROBLEMS[self.problem](self.seed)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                solution = task.solve(optimizer, device="cpu")
                number, passes = task.judged(optimizer), solution.passes.input_gradient
            except NonFiniteError:
                number, passes = math.inf, None
        value = number if math.isfinite(number) else None
        looked_at = self.problem in LOOKED_AT
        return {**self.identity, "looked_at": looked_at, "value": value, "warned": bool(said), "passes": passes}


def main(out: Path = Path("defaults.json"), seeds: int = 3) -> None:
    """Play what the file lacks, and keep each row.

    Args:
        out: the result file.
        seeds: of each problem and method.
    """
    rows = read_rows(out)
    there = {(row["problem"], row["method"], row["seed"]) for row in rows}
    for problem in PROBLEMS:
        for method in METHODS:
            for seed in range(seeds):
                if (problem, method, seed) not in there:
                    rows.append(Played(problem, method, seed).row())
                    write_rows(out, rows)
                    print(rows[-1], flush=True)


if __name__ == "__main__":
    tyro.cli(main)
