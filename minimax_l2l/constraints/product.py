"""One set for each leaf of a tree."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.constraints.base import Constraint, require_sets
from minimax_l2l.trees import Tree, instances, leaves, rebuild


class Product(Constraint):
    """One set for each leaf of a tuple: y_1 in C_1, y_2 in C_2, ...

    Args:
        parts: as many sets as the inner variable has leaves.
    """

    def __init__(self, *parts: Constraint) -> None:
        self.parts = require_sets("Product", parts)
        self.bounds_updates = all(part.bounds_updates for part in self.parts)

    def _each(self, operation: str, tree: Tree) -> list[Tensor]:
        tensors = leaves(tree)
        instances(tree)
        if len(tensors) != len(self.parts):
            raise ValueError(
                f"Product has {len(self.parts)} sets, got an inner variable y of {len(tensors)} leaves; "
                "give one set to each leaf."
            )
        return [getattr(part, operation)(leaf) for part, leaf in zip(self.parts, tensors, strict=True)]

    def project(self, y: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(y, self._each("project", y))

    def squash(self, update: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(update, self._each("squash", update))

    def direction(self, gradient: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(gradient, self._each("direction", gradient))

    def tangent(self, gradient: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(gradient, self._each("tangent", gradient))

    def violation(self, y: Tree) -> Tensor:
        """The largest violation of any leaf."""
        return torch.stack(self._each("violation", y)).amax(0)

    def sample(self, noise: Tree) -> Tree:
        """Leaf by leaf."""
        return rebuild(noise, self._each("sample", noise))
