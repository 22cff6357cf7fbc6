"""What every feasible set can do, and the set of all points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minimax_l2l.constraints.norms import event_norm
from minimax_l2l.trees import Tree, instances, leaves, map_leaves

if TYPE_CHECKING:
    from minimax_l2l.constraints.intersection import Intersection


class Constraint(ABC):
    """A closed convex set C that holds each instance of the inner variable.

    `project` and `squash` are different operations: the first returns the nearest feasible point and is
    applied to the iterate after every step; the second bounds a learned *update* smoothly, with a
    gradient everywhere.
    """

    @abstractmethod
    def project(self, y: Tree) -> Tree:
        """The nearest point of C, argmin over z in C of ||z - y||, instance by instance."""

    @abstractmethod
    def squash(self, update: Tree) -> Tree:
        """Bound an update smoothly at the size of the set, keeping its direction's signs."""

    @abstractmethod
    def violation(self, y: Tree) -> Tensor:
        """How far each instance lies outside, in the largest coordinate; 0 inside. Shape (n,)."""

    @abstractmethod
    def sample(self, noise: Tree) -> Tree:
        """A random point of C from uniform numbers in [0, 1) shaped as the inner variable."""

    def direction(self, gradient: Tree) -> Tree:
        """Steepest ascent in the set's own norm; the gradient over its Euclidean norm unless said otherwise."""
        return map_leaves(lambda part: part / event_norm(part).clamp_min(torch.finfo(part.dtype).tiny), gradient)

    def __and__(self, other: Constraint) -> Intersection:
        """The points that lie in both sets."""
        from minimax_l2l.constraints.intersection import Intersection  # it is a constraint itself

        return Intersection(self, other)


class Free(Constraint):
    """No constraint: any tree of tensors, random points uniform in [-1, 1]."""

    def project(self, y: Tree) -> Tree:
        """Return y itself."""
        return y

    def squash(self, update: Tree) -> Tree:
        """The update itself: there is nothing to bound it by."""
        return update

    def violation(self, y: Tree) -> Tensor:
        """Zeros."""
        return leaves(y)[0].new_zeros(instances(y))

    def sample(self, noise: Tree) -> Tree:
        """Uniform in [-1, 1]."""
        return map_leaves(lambda part: 2 * part - 1, noise)


class TensorConstraint(Constraint):
    """A set whose instances are single tensors; subclasses say what it does to one tensor."""

    def _tensor(self, tree: Tree) -> Tensor:
        if not isinstance(tree, Tensor):
            raise TypeError(
                f"{type(self).__name__} constrains one tensor, got a tuple of {len(tree)}; "
                "give each leaf a set of its own with Product(...)."
            )
        return tree
