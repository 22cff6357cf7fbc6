"""Play from the start of some games, in pieces."""

from __future__ import annotations

from torch import Tensor

from minimax_l2l import LearnedOptimizer
from minimax_l2l.iterate import Iterate
from tasks.games.family import GameFamily
from tasks.games.meta.objective import progress


class Episode:
    """Random games of a family, and where play stands in them; state and pair live on from piece to piece.

    Args:
        family: of the games.
        games: n.
        seed: of the games; episodes of the same seed are of the same games.
    """

    def __init__(self, family: GameFamily, games: int, seed: int) -> None:
        self.game = family.sample(games, seed=seed)
        self.game.watched = True  # one that is lost counts as lost
        self.end = Iterate(self.game.initial())
        self.solvable = self.game.distance(self.end.y).isfinite()

    def play(self, optimizer: LearnedOptimizer, steps: int) -> Tensor:
        """Some steps; the mean over them of `progress`, shape (n,), with its graph to phi."""
        gained = []
        for _ in range(steps):
            self.end = optimizer.maximize(self.game, start=self.end, steps=1)
            gained.append(progress(self.game, self.end.y, solvable=self.solvable))
        return sum(gained[1:], gained[0]) / steps
