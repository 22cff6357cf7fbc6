"""What phi ascends while it practises: how near play comes to a solution, or how far from a wrong one."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import Kind

NEAR = 3e-4  # distance below which nearer is hardly better
WRONG = (Kind.SPURIOUS, Kind.VI_ONLY)
LEFT = 1e-3  # distance from a wrong point that is hardly better than none
LOST = -5.0  # of play that left the numbers


def progress(game: Game, pair: Tree, *, solvable: Tensor) -> Tensor:
    """-log(distance to the nearest minimax point), shape (n,).

    In a game without one it is half the log of the distance to the nearest other point where the field is zero, up
    to a distance of one.

    Args:
        game: n games.
        pair: where play stands, with its graph.
        solvable: which games have a minimax point, shape (n,).
    """
    towards = -torch.log(game.distance(pair).where(solvable, 1) + NEAR)
    away = torch.log(game.distance(pair, WRONG).where(~solvable, 1).clamp_max(1) + LEFT) / 2
    gained = torch.where(solvable, towards, away)
    there = torch.cat(leaves(pair), dim=1).isfinite().all(1) & gained.isfinite()
    return torch.where(there, gained, LOST).clamp_min(LOST)
