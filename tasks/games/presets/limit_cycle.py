"""The preset of the limit cycle: its settings, its game, how a run of it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minimax_l2l.errors import require_count
from minimax_l2l.lab import Announce, Built, Preset, describe_environment, read_solution

NAME = "games/limit-cycle-rnn-l2l"


@dataclass(frozen=True, kw_only=True)
class LimitCyclePreset(Preset):
    """A recurrent optimizer learns to settle bilinear games.

    Attributes:
        iterations: meta-training steps.
        games: how many games a batch has.
        inner_steps: length of the unroll, 16 at least: its last 16 steps teach phi.
    """

    iterations: int = 250
    games: int = 64
    inner_steps: int = 48

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("iterations", self.iterations)
        require_count("games", self.games, least=1)
        require_count("inner_steps", self.inner_steps, least=16)

    @property
    def summary(self) -> str:
        """One line for lists of presets."""
        return (
            "a recurrent optimizer that learns to settle bilinear games, on which simultaneous play spirals out "
            "and alternating play circles"
        )

    def build(self) -> Built:
        """The games and the optimizer that learns."""
        import torch

        from tasks.games.limit_cycle import LimitCycle

        torch.manual_seed(self.seed)
        optimizer = LimitCycle.learned_optimizer(steps=self.inner_steps)
        task = LimitCycle(iterations=self.iterations, games=self.games, seed=self.seed)
        return Built(task, optimizer, facts={"method": "rnn-l2l"})

    def evaluate(
        self,
        folder: Path,
        *,
        device: str,
        batch_size: int,  # noqa: ARG002
        announce: Announce,
    ) -> dict[str, Any]:
        """Distances to the origin after 100 steps of f = xy from (1, 0), for three ways to play."""
        from tasks.games.presets.orbits import LEARNED, STEPS, orbits

        announce("orbits of f = xy")
        solution = read_solution(folder)
        cost = {"train_seconds": round(solution["seconds"], 2), **solution["passes"]}
        rows = [
            {
                "method": name,
                "seed": self.seed,
                "data": "f = xy from (1, 0)",
                "steps": STEPS,
                "distance": path[-1].norm().item(),
                **(cost if name == LEARNED else {}),
            }
            for name, path in orbits(folder, device=device).items()
        ]
        return {"environment": describe_environment(), "rows": rows}
