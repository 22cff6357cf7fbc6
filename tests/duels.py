"""Small games for tests of how games are played."""

import torch

from minimax_l2l.trees import leaves
from tasks.games import PlanarGame


def start(x, y):
    return torch.tensor([[x]], dtype=torch.float64), torch.tensor([[y]], dtype=torch.float64)


def xy(x=1.0, y=0.0):
    """The game xy, whose gradient is (-y, x) in the directions in which the players want to move."""
    return PlanarGame(start(x, y), lambda x, y: x * y, [(0.0, 0.0)])


def path(optimizer, game, steps):
    """All iterates, shape (steps + 1, n, dx + dy)."""
    seen = []
    game.watched = True
    optimizer.maximize(game, steps=steps, observe=lambda _, pair: seen.append(torch.cat(leaves(pair), dim=1)))
    return torch.stack(seen)


def by_hand(optimizer, game, *points):
    """Whether the first iterates after the start are these."""
    wanted = torch.tensor(points, dtype=torch.float64)[:, None]
    torch.testing.assert_close(path(optimizer, game, len(points))[1:], wanted, rtol=0, atol=1e-9)
