"""Stress tests: few demonstrations, many discriminator steps, large discriminators, alike for every method.

Five benchmarks in order. `gail-stress-cells` looks for cells in which original GAIL loses what it had;
`gail-stress-rates` gives every method the same five learning rates there, `gail-stress-bounds` one of them five
lengths of its steps, and `gail-stress-variants` asks what else might steady it; `gail-stress` then plays the grid.
All but the last have seeds of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from minimax_l2l.lab.pool import EVERY_CORE
from minimax_l2l.lab.preset import Announce
from minimax_l2l.lab.rows import read_rows
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
        hidden: its widths.
        iterations: of a run.
    """

    setting: str
    steps: int
    hidden: tuple[int, ...] = (64, 32)
    iterations: int = 500

    def name(self, rate: float | None = None) -> str:
        """What its runs are called."""
        widths = "x".join(map(str, self.hidden))
        return f"steps-{self.steps}-hidden-{widths}" + (f"-rate-{rate:g}" if rate is not None else "")

    def job(self, method: str, seed: int, rate: float | None = None) -> Job:
        """One run of it."""
        preset = PRESETS[f"gail/{self.setting}-{method}"]
        preset = replace(
            preset, seed=seed, trajectories=1, every=10, hidden=self.hidden, iterations=self.iterations, rollout=128
        )
        if isinstance(preset, TrainedImitation):
            preset = replace(preset, rate=rate, inner_steps=self.steps)
        return Job(preset, self.name(rate))


CANDIDATES = tuple(Cell(setting, steps) for setting in ("cartpole-style", "cartpole") for steps in (20, 5, 1))

# Two in which original GAIL loses what it had, by `gail-stress-cells`.
GRID = (Cell("cartpole-style", 5), Cell("cartpole", 20))
# Steps as long as those of a learned updater, in random directions, at its rate.
NOISE = {"noise": "coordinate-l2l", "noise-ball": "coordinate-ball-l2l"}
CONTROLS = ("frozen-d", *NOISE)


@dataclass(frozen=True)
class Pilot:
    """Runs that choose each method's rate in the grid's cells, on seeds that the grid has not.

    Attributes:
        name: of the benchmark, and of its file.
        methods: that take part.
        rates: that each of them is given.
        cells: in which they are played.
    """

    name: str
    methods: tuple[str, ...]
    rates: tuple[float, ...]
    cells: tuple[Cell, ...] = GRID

    def jobs(self) -> list[Job]:
        """Every method at every rate."""
        return [
            cell.job(method, seed, rate)
            for cell in self.cells
            for method in self.methods
            for rate in self.rates
            for seed in PILOT_SEEDS
        ]

    def best(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
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
                            f"the pilot lacks {len(missing)} runs of {method} at rate {rate:g} in {cell.setting}; "
                            f"finish it with `minimax-l2l benchmark {self.name}`."
                        )
                    means[rate] = mean(areas[key] for key in keys)
                best[cell.setting, method] = max(means, key=lambda rate, means=means: means[rate])  # type: ignore[misc]
        return best

    def best_in(self, out: Path) -> dict[tuple[str, str], float]:
        """The same of the file in a folder of results.

        Raises:
            ValueError: if it is not there, or lacks a run.
        """
        file = out / f"{self.name}.json"
        if not file.exists():
            raise ValueError(f"{file} is missing; run `minimax-l2l benchmark {self.name}` first.")
        return self.best(read_rows(file))


RATES = Pilot(
    "gail-stress-rates",
    ("gail-adam", "c-gail", "gail-adam-ball", "coordinate-l2l", "coordinate-ball-l2l"),
    (0.0003, 0.001, 0.003, 0.01, 0.03),
)
# A learned updater's score hardly depends on phi's learning rate; the bound on its steps is what is tuned instead.
BOUNDS = Pilot("gail-stress-bounds", ("coordinate-bound-l2l",), (0.003, 0.01, 0.03, 0.1, 0.3))
# Plain; with C-GAIL's term in its objective; judged by pairs of the expert that the discriminator never saw.
VARIANTS = ("coordinate-ball-l2l", "coordinate-c-l2l", "coordinate-halves-l2l")


def find_cells(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """Original GAIL, with Ho and Ermon's learning rate, in every candidate cell."""
    jobs = [cell.job("gail-adam", seed) for cell in CANDIDATES for seed in PILOT_SEEDS]
    return play_into(out, "gail-stress-cells", jobs, announce, workers=workers)


def find_rates(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """Every competitor with the same five learning rates; the best of each is kept."""
    return play_into(out, RATES.name, RATES.jobs(), announce, workers=workers)


def find_bounds(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """The learned updater in a ball with five bounds on how far an iteration may move the discriminator."""
    return play_into(out, BOUNDS.name, BOUNDS.jobs(), announce, workers=workers)


def find_variants(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """What might steady the learned updater with short steps in a ball, beside it, at the library's rate."""
    jobs = [cell.job(method, seed) for cell in GRID for method in VARIANTS for seed in PILOT_SEEDS]
    return play_into(out, "gail-stress-variants", jobs, announce, workers=workers)


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
