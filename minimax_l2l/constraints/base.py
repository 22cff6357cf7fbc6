"""What every feasible set can do, the set of all points, and the points that lie in several sets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from minimax_l2l.constraints import ball_and_box, dykstra
from minimax_l2l.constraints.norms import event_norm
from minimax_l2l.trees import Tree, instances, leaves, map_leaves

Bound = float | Tensor


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

    def bounds(self) -> tuple[Bound, Bound] | None:
        """Lower and upper bounds of every coordinate if they are all there is to the set; None, as here, if not."""
        return None

    @property
    def holds_origin(self) -> bool:
        """Whether zero is known to lie in the set; False, as here, also if that is not known."""
        return False

    def radius(self) -> float | None:
        """The largest Euclidean norm if that is all there is to the set; None, as here, if not."""
        return None

    def __and__(self, other: Constraint) -> Intersection:
        """The points that lie in both sets."""
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
        if not tree.dim():
            raise ValueError(
                f"{type(self).__name__} constrains instances along the first dimension, got a single number; add "
                "that dimension, of size 1 for one instance."
            )
        return tree


class Intersection(TensorConstraint):
    """The points that lie in every one of several sets.

    Boxes (an L_inf ball is one) are met by one clamp to the tightest bounds. L2 balls and boxes that hold zero are
    met exactly, see `ball_and_box.nearest`; other sets by alternating projections, see `dykstra.nearest`.

    Args:
        parts: the sets; the first one says how updates are squashed and random points drawn.
        iterations: most rounds of alternating projections.
        tolerance: largest violation at which they stop.
    """

    def __init__(self, *parts: Constraint, iterations: int = 200, tolerance: float = 1e-6) -> None:
        if not parts:
            raise ValueError("Intersection needs at least one set, got none; use Free() for no constraint.")
        self.parts, self.iterations, self.tolerance = parts, iterations, tolerance
        boxes = [part for part in parts if part.bounds() is not None]
        self._radii = [radius for part in parts if (radius := part.radius()) is not None]
        self._boxed = len(boxes) == len(parts)
        self._cut = all(box.holds_origin for box in boxes) and len(boxes) + len(self._radii) == len(parts)
        self._tightest: tuple[Tensor, Tensor] | None = None

    def project(self, y: Tree) -> Tensor:
        """The nearest point of all sets at once."""
        tensor = self._tensor(y)
        if self._boxed:
            return tensor.clamp(*self._bounds(tensor))
        if self._cut:
            return ball_and_box.nearest(tensor, min(self._radii), *self._bounds(tensor))
        projections = [lambda part, own=own: self._tensor(own.project(part)) for own in self.parts]
        return dykstra.nearest(
            tensor, projections, self.violation, rounds=self.iterations, tolerance=self.tolerance
        )

    def _bounds(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """The tightest bounds of all boxes, in the dtype and on the device of `like`; made once."""
        known = self._tightest
        if known is None or known[0].dtype != like.dtype or known[0].device != like.device:
            low, high = like.new_full((), -torch.inf), like.new_full((), torch.inf)
            for part in self.parts:
                if (own := part.bounds()) is not None:
                    low, high = _tighter(torch.maximum, low, own[0]), _tighter(torch.minimum, high, own[1])
            known = self._tightest = low, high
        return known

    def squash(self, update: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].squash(update))

    def direction(self, gradient: Tree) -> Tensor:
        """As the first set does."""
        return self._tensor(self.parts[0].direction(gradient))

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any set."""
        return torch.stack([part.violation(y) for part in self.parts]).amax(0)

    def sample(self, noise: Tree) -> Tensor:
        """A random point of the first set, projected."""
        return self.project(self.parts[0].sample(noise))


def _tighter(choose: Callable[[Tensor, Tensor], Tensor], bound: Tensor, other: Bound) -> Tensor:
    return choose(bound, other.to(bound) if isinstance(other, Tensor) else bound.new_tensor(other))
