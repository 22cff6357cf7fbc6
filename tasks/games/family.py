"""A family of games: a name, how games are drawn from it, and who posed them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from minimax_l2l.errors import require_a, require_count, require_flag, require_function, require_seed
from tasks.games.game import Game

Draw = Callable[[int, torch.Generator], Game]


@dataclass(frozen=True)
class GameFamily:
    """Random games of one form.

    Attributes:
        name: what tables call it.
        draw: makes n games, given n and a generator of random numbers.
        source: where it was posed.
        circles: whether simultaneous gradient play, with small steps, circles or leaves where it should settle.
    """

    name: str
    draw: Draw
    source: str
    circles: bool = False

    def __post_init__(self) -> None:
        for own in ("name", "source"):
            require_a(own, getattr(self, own), str, "a string", "say it in words")
        require_function("draw", self.draw, "(count, generator)", "pass one that returns a Game of so many")
        require_flag("circles", self.circles)

    def sample(self, count: int, *, seed: int = 0) -> Game:
        """Draw games.

        Args:
            count: n.
            seed: of the games and their starts.

        Returns:
            The games; those of the suite are in double precision.

        Raises:
            TypeError: if `count` or `seed` is no whole number, or what is drawn is no game.
            ValueError: if `count` is below 1, `seed` is no seed, or another number of games is drawn.
        """
        require_count("count", count, least=1)
        drawn = self.draw(count, torch.Generator().manual_seed(require_seed("seed", seed)))
        game = require_a(f"what draw of {self.name!r} returns", drawn, Game, "a Game", "return a game of so many")
        if len(game.start[0]) != count:
            raise ValueError(
                f"draw of {self.name!r} must return {count} games, as it was asked, got {len(game.start[0])}; make "
                "the start's tensors of shape (count, ...)."
            )
        return game
