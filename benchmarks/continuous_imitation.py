"""Imitation with continuous actions and nothing but defaults: a point mass, and an arm of three joints.

    OMP_NUM_THREADS=1 python -m benchmarks.continuous_imitation --out continuous-imitation.json

The mass is moved without friction by a thrust in [-1, 1]^2 for 60 steps, so a policy that errs flies away. Each
step costs the squared distance from the origin. The arm turns its joints to random angles within 100 steps, and
each step costs the distance from them. A row is one seed: GAIL and the optimizer as they are made without a further
argument, 300 iterations. The score is 0 for no action and 1 for the expert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


class Arm(gymnasium.Env[np.ndarray, np.ndarray]):
    """Angles, speeds and the angles to reach of three joints with friction; gravity pulls at the second."""

    metadata = {"fixed_horizon": True, "render_modes": []}  # noqa: RUF012
    observation_space = spaces.Box(-np.inf, np.inf, (9,), np.float32)
    action_space = spaces.Box(-2.0, 2.0, (3,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """At rest; angles and goals anywhere in [-1, 1]^3."""
        super().reset(seed=seed, options=options)
        self.angles, self.speeds = self.np_random.uniform(-1, 1, 3), np.zeros(3)
        self.goals = self.np_random.uniform(-1, 1, 3)
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """A twentieth of a second."""
        pull = np.array([0.0, 1.0, 0.0]) * np.sin(self.angles)
        self.speeds = self.speeds + 0.05 * (3 * np.clip(action, -2, 2) - 0.5 * self.speeds - pull)
        self.angles = self.angles + 0.05 * self.speeds
        return self._seen(), -float(np.abs(self.angles - self.goals).sum()), False, False, {}

    def _seen(self) -> np.ndarray:
        return np.concatenate([self.angles, self.speeds, self.goals]).astype(np.float32)


def thrust(observation: np.ndarray) -> np.ndarray:
    """Back to the origin, damped."""
    back: np.ndarray = np.clip(-3 * observation[:2] - 3 * observation[2:], -1, 1).astype(np.float32)
    return back


def turn(observation: np.ndarray) -> np.ndarray:
    """Towards the goals, damped."""
    angles, speeds, goals = observation.reshape(3, 3)
    torques: np.ndarray = np.clip(3 * (goals - angles) - 1.5 * speeds, -2, 2).astype(np.float32)
    return torques


@dataclass(frozen=True)
class World:
    """What is imitated.

    Attributes:
        kind: the environment.
        expert: its policy.
        steps: of an episode.
        demonstrations: of the expert.
    """

    kind: type[gymnasium.Env[np.ndarray, np.ndarray]]
    expert: Callable[[np.ndarray], np.ndarray]
    steps: int
    demonstrations: int

    @property
    def name(self) -> str:
        """By which gymnasium knows it."""
        return f"benchmarks/{self.kind.__name__}-v0"

    def idle(self, observation: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """No action."""
        return np.zeros(self.kind.action_space.shape or (), np.float32)


WORLDS = {world.kind.__name__: world for world in (World(PointMass, thrust, 60, 10), World(Arm, turn, 100, 100))}


def row(environment: str, method: str, seed: int, iterations: int) -> dict[str, Any]:
    """One run."""
    world = WORLDS[environment]
    shown = record(world.expert, world.name, world.demonstrations, seed=seed)
    idle = record(world.idle, world.name, 100, seed=seed).returns.mean()
    torch.manual_seed(seed)
    task = GAIL(world.name, shown, iterations=iterations, seed=seed)
    solution = task.solve(METHODS[method](), device="cpu", validate_every=iterations // 10, progress=None)
    told = [line for line in solution.history if "return_mean" in line]
    curve = [(line["return_mean"] - idle) / (shown.returns.mean() - idle) for line in told]
    return {
        "environment": environment,
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
    rows = read_rows(out)
    there = {(one["environment"], one["method"], one["seed"]) for one in rows}
    for environment, world in WORLDS.items():
        gymnasium.register(world.name, entry_point=world.kind, max_episode_steps=world.steps)
        for method in METHODS:
            for seed in range(seeds):
                if (environment, method, seed) not in there:
                    rows.append(row(environment, method, seed, iterations))
                    write_rows(out, rows)
                    print(rows[-1], flush=True)


if __name__ == "__main__":
    tyro.cli(main)
