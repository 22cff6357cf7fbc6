"""Imitation with continuous actions and nothing but defaults: a point mass that an expert brings to the origin.

    OMP_NUM_THREADS=1 python -m benchmarks.continuous_imitation --out continuous-imitation.json

Thrust is a vector in [-1, 1]^2. It moves a mass without friction for 60 steps, so a policy that errs flies away.
Each step costs the squared distance from the origin. A row is one seed: GAIL and the optimizer as they are made
without a further argument, 300 iterations. The score is 0 for no thrust and 1 for the expert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
import tyro
from gymnasium import spaces

from minimax_l2l import Adam, InnerOptimizer, LearnedOptimizer, MLPUpdater
from minimax_l2l.lab import read_rows, write_rows
from tasks.gail import GAIL, record

NAME = "benchmarks/PointMass-v0"
METHODS: Mapping[str, Callable[[], InnerOptimizer]] = {
    "default-l2l": lambda: LearnedOptimizer(MLPUpdater()),
    "gail-adam": Adam,
}


class PointMass(gymnasium.Env[np.ndarray, np.ndarray]):
    """Position and speed in the plane; the end of an episode tells nothing."""

    metadata = {"fixed_horizon": True, "render_modes": []}  # noqa: RUF012
    observation_space = spaces.Box(-np.inf, np.inf, (4,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """At rest, anywhere in [-1, 1]^2."""
        super().reset(seed=seed, options=options)
        self.place, self.speed = self.np_random.uniform(-1, 1, 2), np.zeros(2)
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """A tenth of a second."""
        self.speed = self.speed + 0.1 * np.clip(action, -1, 1)
        self.place = self.place + 0.1 * self.speed
        return self._seen(), -float(np.square(self.place).sum()), False, False, {}

    def _seen(self) -> np.ndarray:
        return np.concatenate([self.place, self.speed]).astype(np.float32)


def expert(observation: np.ndarray) -> np.ndarray:
    """Back to the origin, damped."""
    thrust: np.ndarray = np.clip(-3 * observation[:2] - 3 * observation[2:], -1, 1).astype(np.float32)
    return thrust


def drift(observation: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """No thrust."""
    return np.zeros(2, np.float32)


def row(method: str, seed: int, iterations: int) -> dict[str, Any]:
    """Ten demonstrations, one run."""
    shown = record(expert, NAME, 10, seed=seed)
    idle = record(drift, NAME, 100, seed=seed).returns.mean()
    torch.manual_seed(seed)
    task = GAIL(NAME, shown, iterations=iterations, seed=seed)
    solution = task.solve(METHODS[method](), device="cpu", validate_every=iterations // 10, progress=None)
    told = [line for line in solution.history if "return_mean" in line]
    curve = [(line["return_mean"] - idle) / (shown.returns.mean() - idle) for line in told]
    return {
        "environment": "PointMass",
        "method": method,
        "seed": seed,
        "iterations": iterations,
        "expert": shown.returns.mean(),
        "idle": idle,
        "scores": [round(score, 4) for score in curve],
        "score": round(curve[-1], 4),
    }


def main(out: Path = Path("continuous-imitation.json"), seeds: int = 5, iterations: int = 300) -> None:
    """Play what the file lacks.

    Args:
        out: the result file.
        seeds: of each method.
        iterations: of a run.
    """
    if NAME not in gymnasium.registry:
        gymnasium.register(NAME, entry_point=PointMass, max_episode_steps=60)
    rows = read_rows(out)
    there = {(one["method"], one["seed"]) for one in rows}
    for method in METHODS:
        for seed in range(seeds):
            if (method, seed) not in there:
                rows.append(row(method, seed, iterations))
                write_rows(out, rows)
                print(rows[-1], flush=True)


if __name__ == "__main__":
    tyro.cli(main)
