"""Games whose gradients are noisy, as those of mini-batches are."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, Kind


class NoisyGame(Game):
    """f(x, y) + <e, (x, y)>, where each question is answered with a new e: n games, judged as without noise.

    So each number of a gradient has noise of the same deviation, and products with second derivatives have none.

    Args:
        game: n games.
        deviation: of the normal noise.
        seed: of it.
    """

    def __init__(self, game: Game, deviation: float, seed: int = 0) -> None:
        super().__init__(game.start)
        self.game, self.deviation = game, deviation
        self.constraint = game.constraint
        self.generator = torch.Generator().manual_seed(seed)

    def objective(self, y: Tree) -> Tensor:
        """F and a new slope, shape (n,)."""
        tilted = sum((self._noise(leaf) * leaf).sum(1) for leaf in leaves(y))
        return self.game.objective(y) + tilted

    def stationary(self) -> Tensor:
        """Those of the game."""
        return self.game.stationary()

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """That of the game."""
        return self.game.distance(pair, kinds)

    def _noise(self, leaf: Tensor) -> Tensor:
        return self.deviation * torch.randn(leaf.shape, generator=self.generator, dtype=leaf.dtype)
