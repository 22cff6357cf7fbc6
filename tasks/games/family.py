"""A family of games: a name, how games are drawn from it, and who posed them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from minimax_l2l.errors import require_count
from tasks.games.game import Game

Draw = Callable[[int, torch.Generator], Game]


@dataclass(frozen=True)
class GameFamily:
    """Random games of one form.

    Attributes:
        name: what tables call it.
        draw: n games from a generator of random numbers.
        source: where it was posed.
        circles: whether simultaneous gradient play, with small steps, circles or leaves the solution.
    """

    name: str
    draw: Draw
    source: str
    circles: bool = False

    def sample(self, count: int, *, seed: int = 0) -> Game:
        """Draw games.

        Args:
            count: n.
            seed: of the games and their starts.

        Returns:
            The games, in double precision.
        """
        require_count("count", count, least=1)
        return self.draw(count, torch.Generator().manual_seed(seed))
