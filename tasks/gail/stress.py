"""Stress tests: few demonstrations, many discriminator steps, large discriminators, alike for every method.

Three benchmarks in order. `gail-stress-cells` looks for cells in which original GAIL loses what it had;
`gail-stress-rates` gives every method the same five learning rates there; `gail-stress` then plays the grid.
The first two have seeds of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minimax_l2l.families import Announce
from tasks.gail.benchmark import play_into
from tasks.gail.methods import Knobs
from tasks.gail.pool import Job
from tasks.gail.runs import Conditions

PILOT_SEEDS = (100, 101)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)


@dataclass(frozen=True)
class Cell:
    """One trajectory, of which each tenth step is kept, and so many discriminator steps an iteration.

    Attributes:
        setting: a name in `SETTINGS`.
        steps: of the discriminator an iteration.
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
        conditions = Conditions(
            trajectories=1,
            every=10,
            hidden=self.hidden,
            knobs=Knobs(rate=rate, steps=self.steps),
            iterations=self.iterations,
        )
        return Job(self.setting, method, seed, self.name(rate), conditions)


CANDIDATES = tuple(
    Cell(setting, steps, hidden)
    for setting in ("cartpole", "cartpole-style")
    for steps, hidden in ((1, (64, 32)), (20, (64, 32)), (20, (256, 256)))
)


def find_cells(out: Path, announce: Announce) -> Path:
    """Original GAIL, with Ho and Ermon's learning rate, in every candidate cell."""
    jobs = [cell.job("gail-adam", seed) for cell in CANDIDATES for seed in PILOT_SEEDS]
    return play_into(out, "gail-stress-cells", jobs, announce)
