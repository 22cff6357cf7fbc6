"""What every feasible set can do, and the set of points that lie in several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import reduce
from operator import and_

import torch
from torch import Tensor

from minimax_l2l.arguments import Shown
from minimax_l2l.constraints.dykstra import alternate
from minimax_l2l.constraints.norms import event_norm
from minimax_l2l.constraints.region import Region
from minimax_l2l.errors import require_a, require_count, require_positive
from minimax_l2l.trees import Tree, instances, leaves, map_leaves, require_numbers_in, require_real


class Constraint(Shown, ABC):
    """A closed convex set C that holds each instance of the inner variable.

    `project` and `squash` are different operations: the first returns the nearest feasible point and is applied to
    the iterate after every step; the second bounds a learned *update* smoothly, with a gradient everywhere.

    Attributes:
        bounds_updates: whether `squash` does bound them; False where it leaves them as they are.
    """

    bounds_updates: bool = True

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
        instances(gradient)
        return map_leaves(lambda part: part / event_norm(part).clamp_min(torch.finfo(part.dtype).tiny), gradient)

    def tangent(self, gradient: Tree) -> Tree:
        """The part of a gradient along which y can move in C at all: all of it unless said otherwise."""
        return gradient

    def region(self) -> Region | None:
        """C as a box, a ball around the origin or both cut, for intersections to project on at once; else None."""
        return None

    def __and__(self, other: Constraint) -> Intersection:
        """The points that lie in both sets."""
        return Intersection(self, other)


def require_sets(name: str, parts: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """At least one set, and nothing else."""
    if not parts:
        raise ValueError(f"{name} needs at least one set, got none; use Free() for no constraint.")
    for part in parts:
        require_a(f"each of {name}'s parts", part, Constraint, "a set", "pass sets such as LinfBall(0.1)")
    return parts


class TensorConstraint(Constraint):
    """A set whose instances are single tensors; subclasses say what it does to one tensor."""

    dimensions: tuple[str, ...] = ("instances",)  # that a tensor needs at least, by name

    def direction(self, gradient: Tree) -> Tree:
        """The gradient over its Euclidean norm unless overridden."""
        return super().direction(self._tensor(gradient))

    def _tensor(self, tree: Tree) -> Tensor:
        """The tree if it is one tensor with as many dimensions as the set needs."""
        if not isinstance(tree, Tensor):
            raise TypeError(
                f"{type(self).__name__} constrains one tensor, got a tuple of {len(leaves(tree))}; "
                "give each leaf of y a set of its own with Product(...)."
            )
        require_numbers_in(require_real(tree))
        if tree.dim() < len(self.dimensions):
            raise ValueError(
                f"{type(self).__name__} needs a tensor with dimensions ({', '.join(self.dimensions)}), got shape "
                f"{tuple(tree.shape)}; add a leading dimension to y (of size 1 for a single instance)."
            )
        return tree


class Intersection(TensorConstraint):
    """The points that lie in every one of several sets.

    Boxes (an L_inf ball is one) are merged when the intersection is made, and met by one clamp. Balls around the
    origin and boxes that hold it have an exact projection too, see `shrink_into_box`. Otherwise the nearest point
    is found by Dykstra's alternating projections, which are slow far away and wait for the device after every
    tenth round.

    Args:
        parts: the sets; the first one says how updates are squashed and random points drawn.
        iterations: most rounds of alternating projections.
        tolerance: largest violation at which they stop.
    """

    def __init__(self, *parts: Constraint, iterations: int = 200, tolerance: float = 1e-6) -> None:
        self.parts = require_sets("Intersection", parts)
        self.bounds_updates = self.parts[0].bounds_updates
        self.iterations = require_count("iterations", iterations, least=1)
        self.tolerance = require_positive("tolerance", tolerance)
        regions = [region for part in parts if (region := part.region()) is not None]
        self._region = reduce(and_, regions) if len(regions) == len(parts) else None

    def region(self) -> Region | None:
        """All parts merged, if each is a region."""
        return self._region

    def project(self, y: Tree) -> Tensor:
        """The nearest point of all sets at once."""
        tensor = self._tensor(y)
        if self._region is not None and self._region.exact:
            return self._region.project(tensor)
        projections = [part.project for part in self.parts]
        return alternate(tensor, projections, self.violation, iterations=self.iterations, tolerance=self.tolerance)

    def squash(self, update: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].squash(update))

    def direction(self, gradient: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].direction(gradient))

    def tangent(self, gradient: Tree) -> Tree:
        """What all sets leave of it, one after the other."""
        return reduce(lambda left, part: part.tangent(left), self.parts, gradient)

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any set."""
        return torch.stack([part.violation(y) for part in self.parts]).amax(0)

    def sample(self, noise: Tree) -> Tensor:
        """A random point of the first set, projected."""
        return self.project(self.parts[0].sample(noise))
