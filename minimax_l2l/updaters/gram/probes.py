"""The first steps, before which nothing is known of how the objective bends."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.updaters.gram.past import Past
from minimax_l2l.updaters.gram.proposal import Proposal, cut

LONGEST = 1.0  # in units of y: how long a gradient is says nothing of lengths, since f may have any unit
NEGLIGIBLE = 1e-9  # part of the gradient of a player who would not move
ALONE = 10.0  # times as long as the other's is the gradient of a player who is probed, too


def first_probe(past: Past, step_size: float) -> Proposal:
    """A gradient step of who descends, not longer than 1; of all, where that would not move anything."""
    gradient = past.gradient
    own = gradient * (past.sides < 0)
    moves = torch.linalg.vector_norm(own, dim=1) > NEGLIGIBLE * torch.linalg.vector_norm(gradient, dim=1)
    step = step_size * torch.where(moves[:, None], own, gradient)
    step = cut(step, step.new_full((len(step),), LONGEST))
    length = torch.linalg.vector_norm(step, dim=1)
    return Proposal(step, length, torch.zeros_like(length))


def second_probe(past: Past, planned: Tensor, step_size: float) -> Tensor:
    """A gradient step of who ascends, not longer than the first probe, where its units are unknown. Shape (n, d).

    That is where it has not moved, and has by far the longer gradient. Its numbers may then be in much larger units
    than the other's, and a step that the other's curvature seems to allow could lead very far away.

    Args:
        past: after the first probe.
        planned: the step elsewhere, shape (n, d).
        step_size: of the probe.
    """
    up = past.sides > 0
    own, other = (torch.linalg.vector_norm(past.gradient[:, one], dim=1) for one in (up, ~up))
    moved, other_moved = past.moves[:, 0, up].any(1), past.moves[:, 0, ~up].any(1)
    unknown = (own > ALONE * other) & other_moved & ~moved
    step = cut(step_size * past.gradient * up, torch.linalg.vector_norm(past.moves[:, 0], dim=1))
    return torch.where(unknown[:, None], step, planned)
