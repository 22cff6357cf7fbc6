"""Units in which both players bend the objective about as much."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minimax_l2l.updaters.gram.past import RECENT, SMALLEST, Past

ALIKE = 10.0  # ratio of two players' units that does no harm, and is left
FURTHEST = 1e8  # ratio beyond which it is more likely rounding


def player_units(past: Past) -> Tensor:
    """What one of each number counts as: 1 for who descends, u for who ascends, shape (n, d).

        u^2 = (|m_y| / |c_y|) / (|m_x| / |c_x|)

    m are a player's parts of the last moves, and c those of the gradient's changes along them, so |c| / |m| tells
    how much a player's numbers bend the objective. In units where they differ a lot, one player would not be seen
    to move beside the other. u is brought nearer to one by a factor of ten, so that games in usual units stay as
    they are; where a player has not moved, or nothing has changed, it is 1.

    Args:
        past: of n instances with d coordinates.
    """
    up = past.sides > 0
    sizes = torch.stack([_size(of[:, :RECENT, own]) for own in (up, ~up) for of in (past.moves, past.changes)])
    logs = sizes.clamp_min(SMALLEST).log()
    apart = ((logs[0] - logs[1] - logs[2] + logs[3]) / 2).where((sizes > SMALLEST).all(0), 0)
    apart = apart.sign() * (apart.abs().clamp_max(math.log(FURTHEST)) - math.log(ALIKE)).clamp_min(0)
    return torch.where(up, apart[:, None], 0).exp()


def _size(vectors: Tensor) -> Tensor:
    """The length of some vectors taken as one, shape (n,); squares of what is small would be zero."""
    flat = torch.nn.functional.pad(vectors.flatten(1), (0, 1))  # a player may have no numbers
    largest = flat.abs().amax(1)
    ratio: Tensor = torch.linalg.vector_norm(flat / largest.clamp_min(SMALLEST)[:, None], dim=1)
    return largest * ratio
