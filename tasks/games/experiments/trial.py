"""One method on games of one family: where it ends, and what it costs to get there."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l import InnerOptimizer
from minimax_l2l.iterate import Iterate
from tasks.games.game import Game
from tasks.games.meta.objective import WRONG

SOLVED = 1e-3  # distance


class Trial(NamedTuple):
    """What was measured of n games.

    Attributes:
        evaluations: after how many the pair stays within `SOLVED` of a minimax point until the end; infinite where
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


def trial(optimizer: InnerOptimizer, game: Game, *, budget: int) -> Trial:
    """Play until the budget is used.

    Args:
        optimizer: its own number of steps is ignored.
        game: n games that were not played yet.
        budget: backward passes: gradients of both players at one pair, and products with second derivatives, which
            cost as much.
    """
    game.watched = True  # one that is lost counts as not solved
    end, distances, passes = Iterate(game.initial()), [], []
    with torch.no_grad():
        while True:
            distances.append(game.distance(end.y).nan_to_num(torch.inf))
            passes.append(game.passes.input_gradient)
            if passes[-1] >= budget:
                break
            end = optimizer.maximize(game, start=end, steps=1).detach()
        away = game.distance(end.y, WRONG).nan_to_num(torch.inf)
    far = (torch.stack(distances) > SOLVED).flip(0).cummax(0).values.flip(0)
    arrived = torch.tensor([*passes, torch.inf])[far.sum(0)]
    return Trial(arrived, away <= SOLVED)
