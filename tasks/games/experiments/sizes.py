"""Cost against dimension: bilinear games of one condition, from two numbers to a thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.games.experiments.measured import measured, player
from tasks.games.experiments.methods import HAND_DESIGNED, SHIPPED
from tasks.games.game import Game
from tasks.games.kinds import Kind
from tasks.games.suite import bilinear

SIZES = (1, 5, 25, 100, 500)  # numbers of each player
METHODS = (SHIPPED, "anderson", "extragradient", "consensus", "competitive")
STEP_SIZES = (0.2, 0.5, 1.0, 2.0, 5.0)  # of the hand-designed ones, the best of which counts
CONDITION = 3.0
GAMES = 20
BUDGET = 400
SEED = 1


@dataclass(frozen=True)
class SizedJob:
    """One method on games of one size.

    Attributes:
        size: numbers of each player.
        method: its name.
        step_size: None for the learned one.
    """

    size: int
    method: str
    step_size: float | None

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {
            "family": "bilinear",
            "size": self.size,
            "method": self.method,
            "step_size": self.step_size,
            "seed": SEED,
            "games": GAMES,
            "budget": BUDGET,
        }


def measure_sizes(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """Rows of each method and step size at each size in `games-sizes.json`; what is there is kept.

    Args:
        out: its folder.
        announce: see `Family`.
        workers: see `play_all`.
    """
    settings = [(name, eta) for name in METHODS for eta in (STEP_SIZES if name in HAND_DESIGNED else (None,))]
    jobs = [SizedJob(size, method, eta) for size in SIZES for method, eta in settings]

    def order(row: Mapping[str, Any]) -> tuple[int, int, float]:
        return METHODS.index(row["method"]), row["size"], row["step_size"] or 0.0

    return fill(out / "games-sizes.json", jobs, play, announce=announce, workers=workers, order=order)


def play(job: SizedJob) -> Mapping[str, Any]:
    """The rest of its row."""
    return measured(player(job.method, job.step_size), sized_games(job.size), budget=BUDGET)


def sized_games(size: int) -> Game:
    """Games with singular values from 1/3 to 1, each with one point where the field is zero: an equilibrium."""
    draw = partial(bilinear, size=size, condition=CONDITION)
    game = draw(GAMES, torch.Generator().manual_seed(SEED))
    vars(game)["kinds"] = torch.full((GAMES, 1), int(Kind.NASH))  # where A has an inverse, as here, nobody gains
    return game
