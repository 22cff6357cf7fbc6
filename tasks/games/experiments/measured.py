"""What a row of results says of one method on some games."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minimax_l2l import InnerOptimizer
from tasks.games.experiments.methods import HAND_DESIGNED, learned
from tasks.games.experiments.trial import SOLVED, trial
from tasks.games.game import Game


def player(method: str, step_size: float | None) -> InnerOptimizer:
    """A method with a step size, or a learned one without."""
    return learned(method) if step_size is None else HAND_DESIGNED[method].make(step_size)


def measured(optimizer: InnerOptimizer, game: Game, *, budget: int, near: float = SOLVED) -> Mapping[str, Any]:
    """What a row says of n games."""
    done = trial(optimizer, game, budget=budget, near=near)
    solved = done.evaluations[done.solved]
    return {
        "solved": int(done.solved.sum()),
        "evaluations": solved.median().item() if len(solved) else None,
        "wrong": int(done.wrong.sum()),
        "solvable": int(game.distance(game.initial()).isfinite().sum()),
        "dimensions": sum(leaf.shape[1] for leaf in game.start),
    }
