"""Stress tests: few demonstrations, many discriminator steps, large discriminators, alike for every method.

Five benchmarks in order: four pilots, on seeds that the grid has not, and `gail-stress`, which plays the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from minimax_l2l.lab import EVERY_CORE, Announce, read_rows
from tasks.gail.experiments.benchmark import SEEDS
from tasks.gail.experiments.job import Job, play_into
from tasks.gail.presets.imitation import PRESETS, TrainedImitation

PILOT_SEEDS = (100, 101)


@dataclass(frozen=True)
class Cell:
    """One trajectory, of which every tenth step is kept, and so many discriminator steps per iteration.

    Rollouts have 1,024 steps in every environment.

    Attributes:
        setting: a name in `SETTINGS`.
        steps: of the discriminator per iteration.
    """

    setting: str
    steps: int

    def name(self, rate: float | None = None) -> str:
        """What its runs are called."""
        return f"steps-{self.steps}-hidden-64x32" + (f"-rate-{rate:g}" if rate is not None else "")

    def job(self, method: str, seed: int, rate: float | None = None) -> Job:
        """One run of it."""
        preset = PRESETS[f"gail/{self.setting}-{method}"]
        preset = replace(preset, seed=seed, trajectories=1, every=10, hidden=(64, 32), iterations=500, rollout=128)
        if isinstance(preset, TrainedImitation):
            preset = replace(preset, rate=rate, inner_steps=self.steps)
        return Job(preset, self.name(rate))


@dataclass(frozen=True)
class Pilot:
    """Runs that choose what the grid is played with, every method at every rate.

    Attributes:
        name: of the benchmark, and of its file.
        methods: that take part.
        rates: that each of them is given; None is the method's own.
        cells: in which they are played.
    """

    name: str
    methods: tuple[str, ...]
    rates: tuple[float | None, ...]
    cells: tuple[Cell, ...]

    def play(self, out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
        """The benchmark."""
        jobs = [
            cell.job(method, seed, rate)
            for cell in self.cells
            for method in self.methods
            for rate in self.rates
            for seed in PILOT_SEEDS
        ]
        return play_into(out, self.name, jobs, announce, workers=workers)

    def best(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float | None]:
        """By setting and method, the rate with the highest mean score over whole runs.

        Raises:
            ValueError: if a run is missing.
        """
        areas = {(row["setting"], row["method"], row["stress"], row["seed"]): row["area"] for row in rows}
        best = {}
        for cell in self.cells:
            for method in self.methods:
                means = {}
                for rate in self.rates:
                    keys = [(cell.setting, method, cell.name(rate), seed) for seed in PILOT_SEEDS]
                    if missing := [key for key in keys if key not in areas]:
                        raise ValueError(
                            f"the pilot lacks {len(missing)} runs of {method} at rate {rate} in {cell.setting}; "
                            f"finish it with `minimax-l2l benchmark {self.name}`."
                        )
                    means[rate] = mean(areas[key] for key in keys)
                best[cell.setting, method] = max(means, key=means.__getitem__)
        return best

    def best_in(self, out: Path) -> dict[tuple[str, str], float | None]:
        """The same of the file in a folder of results.

        Raises:
            ValueError: if it is not there, or lacks a run.
        """
        file = out / f"{self.name}.json"
        if not file.exists():
            raise ValueError(f"{file} is missing; run `minimax-l2l benchmark {self.name}` first.")
        return self.best(read_rows(file))


CANDIDATES = tuple(Cell(setting, steps) for setting in ("cartpole-style", "cartpole") for steps in (20, 5, 1))
# Cells in which original GAIL, with Ho and Ermon's learning rate, loses what it had.
CELLS = Pilot("gail-stress-cells", ("gail-adam",), (None,), CANDIDATES)
# Two that were found so.
GRID = (Cell("cartpole-style", 5), Cell("cartpole", 20))
# Every competitor with the same five learning rates.
RATES = Pilot(
    "gail-stress-rates",
    ("gail-adam", "c-gail", "gail-adam-ball", "coordinate-l2l", "coordinate-ball-l2l"),
    (0.0003, 0.001, 0.003, 0.01, 0.03),
    GRID,
)
# A learned updater's score hardly depends on phi's learning rate; the bound on its steps is what is tuned instead.
BOUNDS = Pilot("gail-stress-bounds", ("coordinate-bound-l2l",), (0.003, 0.01, 0.03, 0.1, 0.3), GRID)
# What else might steady it, at the library's rate: nothing; C-GAIL's term in its objective; to be judged by pairs
# of the expert that the discriminator never saw.
VARIANTS = Pilot(
    "gail-stress-variants", ("coordinate-ball-l2l", "coordinate-c-l2l", "coordinate-halves-l2l"), (None,), GRID
)
# Steps as long as those of a learned updater, in random directions, at its rate.
NOISE = {"noise": "coordinate-l2l", "noise-ball": "coordinate-ball-l2l"}
CONTROLS = ("frozen-d", *NOISE)


def grid_jobs(out: Path, rates: Pilot = RATES, bounds: Pilot = BOUNDS) -> list[Job]:
    """Competitors at their best rates, as two pilots in the folder of results found them, and controls."""
    best = rates.best_in(out) | bounds.best_in(out)
    return [
        cell.job(method, seed, best.get((cell.setting, NOISE.get(method, method))))
        for seed in SEEDS
        for cell in rates.cells
        for method in (*rates.methods, *bounds.methods, *CONTROLS)
    ]


def play_grid(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """The grid: competitors with their best rates and controls, five seeds that no pilot has seen."""
    return play_into(out, "gail-stress", grid_jobs(out), announce, workers=workers)
