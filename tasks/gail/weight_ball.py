"""A ball that a discriminator's weights are kept in, and that leaves the length of a step to the optimizer."""

from __future__ import annotations

from torch import Tensor

from minimax_l2l import Tree
from minimax_l2l.constraints.balls import L2Ball


class WeightBall(L2Ball):
    """||w||_2 <= eps, by projection alone.

    `L2Ball` also scales updates by its radius, which suits perturbations that cross their set in a step or two; a
    discriminator's steps are small beside its weights, in a ball or out of it.
    """

    bounds_updates = False

    def squash(self, update: Tree) -> Tensor:
        """The update as it is."""
        return self._tensor(update)
