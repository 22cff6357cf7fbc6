"""What a set leaves of the gradient: how a short step along it moves y."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.base import Constraint
from minimax_l2l.trees import Tree, map_leaves, per_instance, ravel, shifted

SHORT, LONG = 0.05, 10.0  # lengths between which a first gradient is left as it is
LEAST = 0.01  # unit: a gradient may also be short because y begins near a solution


def pulled(constraint: Constraint, y: Tree, gradient: Tree, step_size: float) -> Tree:
    """(project(y + s g) - y) / s, which is g inside of the set, and zero at a solution on its boundary.

    Args:
        constraint: the set.
        y: a point of it.
        gradient: g, there.
        step_size: s.
    """
    moved = constraint.project(shifted(y, step_size, gradient))
    return map_leaves(lambda after, before: (after - before) / step_size, moved, y)


def usual_unit(gradient: Tree) -> Tensor:
    """The unit of f in which the first gradient has a usual length, shape (n,): 1 where it has that already.

    How far s g leads out of the set depends on the unit of f, which may be any. Where it leads far, what the set
    leaves of the gradient says nothing of f.

    Args:
        gradient: of n instances.
    """
    length = torch.linalg.vector_norm(ravel(gradient).flatten(1), dim=1)
    unit: Tensor = (length / length.clamp(SHORT, LONG)).clamp_min(LEAST)
    return unit


def measured_in(unit: Tensor, gradient: Tree) -> Tree:
    """The gradient of f in another unit, one for each instance."""
    return map_leaves(lambda leaf: leaf / per_instance(unit, leaf), gradient)
