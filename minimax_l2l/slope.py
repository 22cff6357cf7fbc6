"""The derivative of a problem's gradient at a point, by which vectors are multiplied without forming it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minimax_l2l.meter import Meter
from minimax_l2l.trees import Tree, detach, leaves, rebuild


class Slope:
    """g(y), the direction in which each leaf of y wants to move, and products with J = dg / dy of each instance.

    Args:
        point: where g was asked for; its leaves require gradients.
        gradient: g there, with its graph.
        meter: counts each product as one input-gradient pass.
    """

    def __init__(self, point: Tree, gradient: Tree, meter: Meter) -> None:
        self._point, self._moves, self._meter = point, leaves(gradient), meter
        self.gradient = detach(gradient)

    def transposed(self, vector: Tree) -> Tree:
        """J' v, by one more backward pass."""
        with self._meter.one_sweep():
            return rebuild(self._point, self._pulled(leaves(vector), graph=False))

    def times(self, vector: Tree) -> Tree:
        """J v, the derivative of u -> J' u along v. It is counted as one pass, the price of it in forward mode."""
        with self._meter.one_sweep(), torch.enable_grad():
            weights = [torch.zeros_like(move).requires_grad_() for move in self._moves]
            pulled = zip(self._pulled(weights, graph=True), leaves(vector), strict=True)
            linear = [(part, along) for part, along in pulled if part.requires_grad]
            if not linear:
                return rebuild(self._point, [torch.zeros_like(move) for move in self._moves])
            ends, seeds = zip(*linear, strict=True)
            return rebuild(self._point, torch.autograd.grad(ends, weights, seeds, materialize_grads=True))

    def _pulled(self, weights: Sequence[Tensor], *, graph: bool) -> list[Tensor]:
        """J' times the weights, leaf by leaf; zeros where the gradient is the same everywhere."""
        moves = [(move, weight) for move, weight in zip(self._moves, weights, strict=True) if move.requires_grad]
        point = leaves(self._point)
        if not moves:
            return [torch.zeros_like(leaf) for leaf in point]
        ends, seeds = zip(*moves, strict=True)
        return list(
            torch.autograd.grad(ends, point, seeds, create_graph=graph, retain_graph=True, materialize_grads=True)
        )
