"""One method on games of one family: where it ends, and what it costs to get there."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l import InnerOptimizer, Tree
from minimax_l2l.iterate import Iterate
from tasks.games.game import Game
from tasks.games.meta.objective import WRONG

SOLVED = 1e-3  # distance


class Trial(NamedTuple):
    """What was measured of n games.

    Attributes:
        evaluations: after how many the pair stays near a minimax point until the end; infinite where
            it does not, shape (n,).
        wrong: whether it ends that near to a point where the field is zero and which is no minimax point, shape
            (n,).
    """

    evaluations: Tensor
    wrong: Tensor

    @property
    def solved(self) -> Tensor:
        """Which games were, shape (n,)."""
        return self.evaluations.isfinite()


def trial(optimizer: InnerOptimizer, game: Game, *, budget: int, near: float = SOLVED) -> Trial:
    """Play until the budget is used.

    Args:
        optimizer: its own number of steps is ignored.
        game: n games that were not played yet.
        budget: backward passes: gradients of both players at one pair, and products with second derivatives, which
            cost as much.
        near: distance from a solution, or from a wrong point, that is as good as none.
    """
    game.watched = True  # one that is lost counts as not solved
    end = Iterate(game.initial())
    arrived = torch.full((len(game.start[0]),), torch.inf)
    with torch.no_grad():
        while True:
            used = game.passes.input_gradient
            arrived = arrival(game, end.y, arrived, used, near)
            if used >= budget:
                return Trial(arrived, at_wrong_point(game, end.y, near))
            end = optimizer.maximize(game, start=end, steps=1).detach()


def arrival(game: Game, pair: Tree, before: Tensor, used: float, near: float = SOLVED) -> Tensor:
    """Since how many evaluations each game has been near a minimax point, shape (n,).

    Args:
        game: n games.
        pair: where they stand.
        before: what this was a step ago; infinite at first, and where a game is elsewhere.
        used: evaluations so far.
        near: at most this far away.
    """
    return before.clamp_max(used).where(game.distance(pair) <= near, torch.inf)


def at_wrong_point(game: Game, pair: Tree, near: float = SOLVED) -> Tensor:
    """Which games are within a distance of a point where the field is zero and which is no minimax point, (n,)."""
    return game.distance(pair, WRONG) <= near
