"""The set of all points."""

from __future__ import annotations

from torch import Tensor

from minimax_l2l.constraints.base import Constraint
from minimax_l2l.constraints.region import Region
from minimax_l2l.trees import Tree, instances, leaves, map_leaves


class Free(Constraint):
    """No constraint: any tree of tensors, random points uniform in [-1, 1]."""

    bounds_updates = False

    def project(self, y: Tree) -> Tree:
        """Return y itself."""
        instances(y)
        return y

    def squash(self, update: Tree) -> Tree:
        """The update itself: there is nothing to bound it by."""
        instances(update)
        return update

    def violation(self, y: Tree) -> Tensor:
        """Zeros."""
        count = instances(y)
        return leaves(y)[0].new_zeros(count)

    def sample(self, noise: Tree) -> Tree:
        """Uniform in [-1, 1]."""
        instances(noise)
        return map_leaves(lambda part: 2 * part - 1, noise)

    def region(self) -> Region:
        """All points."""
        return Region()
