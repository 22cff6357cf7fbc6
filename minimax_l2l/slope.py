"""The derivative of a problem's gradient at a point, by which vectors are multiplied without forming it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from minimax_l2l.trees import Tree, leaves, rebuild


class Slope:
    """g(y), the direction in which each leaf of y wants to move, and products with J = dg / dy, instance by instance.

    Args:
        point: the leaves at which g was asked for.
        gradient: g there, with its graph.
        paid: called once for each product, which costs a backward pass.
    """

    def __init__(self, point: Tree, gradient: Tree, paid: Callable[[], None]) -> None:
        self._point, self._moves, self._paid = point, leaves(gradient), paid
        self.gradient = rebuild(gradient, [move.detach() for move in self._moves])

    def transposed(self, vector: Tree) -> Tree:
        """J' v: one more backward pass."""
        self._paid()
        return rebuild(self._point, self._pulled(leaves(vector), graph=False))

    def times(self, vector: Tree) -> Tree:
        """J v: the derivative of J' u by u, at no more passes than J' v."""
        self._paid()
        with torch.enable_grad():
            weights = [torch.zeros_like(move).requires_grad_() for move in self._moves]
            pulled = self._pulled(weights, graph=True)
        products = torch.autograd.grad(pulled, weights, leaves(vector), allow_unused=True, materialize_grads=True)
        return rebuild(self._point, products)

    def _pulled(self, weights: tuple[Tensor, ...] | list[Tensor], *, graph: bool) -> list[Tensor]:
        moves = [(move, weight) for move, weight in zip(self._moves, weights, strict=True) if move.requires_grad]
        point = leaves(self._point)
        if not moves:  # a gradient that is the same everywhere
            return [torch.zeros_like(leaf) for leaf in point]
        ends, seeds = zip(*moves, strict=True)
        return list(
            torch.autograd.grad(
                ends, point, seeds, create_graph=graph, retain_graph=True, materialize_grads=True, allow_unused=True
            )
        )
