"""`minimax-l2l benchmark games`: every method on every family of the suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.games.experiments.measured import measured, player
from tasks.games.experiments.methods import (
    COORDINATES,
    HAND_DESIGNED,
    LEARNED,
    SEEDS,
    STEP_SIZES,
    TUNED,
)
from tasks.games.experiments.noisy import NoisyGame
from tasks.games.experiments.practised import measure_practice
from tasks.games.experiments.sizes import measure_sizes
from tasks.games.experiments.trial import SOLVED
from tasks.games.game import Game
from tasks.games.suite import SUITE

GAMES = 100
BUDGET = 200
SEED = 1
NOISE = 0.01  # of each number of a gradient, in the second table
NEAR_IN_NOISE = 0.05


@dataclass(frozen=True)
class Job:
    """One method on one family.

    Attributes:
        family: its name in the suite.
        method: its name.
        step_size: None for a learned one, which has none.
        games: n.
        budget: evaluations.
        noise: deviation of what is added to each number of each gradient.
    """

    family: str
    method: str
    step_size: float | None
    games: int = GAMES
    budget: int = BUDGET
    noise: float = 0.0

    @property
    def identity(self) -> Mapping[str, Any]:
        """The first fields of its row."""
        return {
            "family": self.family,
            "method": self.method,
            "step_size": self.step_size,
            "seed": SEED,
            "games": self.games,
            "budget": self.budget,
            **({"noise": self.noise} if self.noise else {}),
        }


def measure_games(out: Path, *, announce: Announce, workers: int = EVERY_CORE) -> Path:
    """Every method as it comes, also with noise, and some with the best of nine step sizes; what is there is kept.

    Args:
        out: folder of `games.json`, `games-noise.json`, `games-sizes.json` and `games-practice.json`.
        announce: see `Family`.
        workers: see `play_all`.
    """
    usual = [*((name, None) for name in LEARNED), *((name, one.usual) for name, one in HAND_DESIGNED.items())]
    practised = [(name, None) for name in (*SEEDS, *COORDINATES)]
    tuned = [(name, eta) for name in TUNED for eta in STEP_SIZES if eta != HAND_DESIGNED[name].usual]
    jobs = [Job(family, method, eta) for method, eta in [*usual, *practised, *tuned] for family in SUITE]
    noisy = [Job(family, method, eta, noise=NOISE) for method, eta in usual for family in SUITE]
    families, methods = list(SUITE), [*LEARNED, *SEEDS, *COORDINATES, *HAND_DESIGNED]

    def order(row: Mapping[str, Any]) -> tuple[int, int, float]:
        return families.index(row["family"]), methods.index(row["method"]), row["step_size"] or 0.0

    measure_practice(out, announce=announce)
    measure_sizes(out, announce=announce, workers=workers)
    fill(out / "games-noise.json", noisy, play, announce=announce, workers=workers, order=order)
    return fill(out / "games.json", jobs, play, announce=announce, workers=workers, order=order)


def play(job: Job) -> Mapping[str, Any]:
    """The rest of its row: how many games were solved, after how many evaluations, and how many ended wrong."""
    game: Game = SUITE[job.family].sample(job.games, seed=SEED)
    vars(game)["kinds"] = _kinds(job.family, job.games)
    if job.noise:
        game = NoisyGame(game, job.noise, seed=SEED)
    near = NEAR_IN_NOISE if job.noise else SOLVED
    return measured(player(job.method, job.step_size), game, budget=job.budget, near=near)


@cache
def _kinds(family: str, games: int) -> Tensor:
    """Worked out once: of a hundred numbers it takes longer than to play."""
    game: Game = SUITE[family].sample(games, seed=SEED)
    return game.kinds
