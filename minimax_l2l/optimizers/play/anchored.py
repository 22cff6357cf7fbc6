"""Extragradient that is drawn back to where it began, ever more weakly."""

from __future__ import annotations

import torch

from minimax_l2l.iterate import State
from minimax_l2l.optimizers.ascent import GradientAscent
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, map_leaves, rebuild, shifted


class AnchoredExtraGradient(GradientAscent):
    """y' = project(a_k + step_size * g(y_k)), y_{k+1} = project(a_k + step_size * g(y')).

    Both steps begin at the anchored point a_k = y_k + (y_0 - y_k) / (k + 2). On convex-concave games with an
    L-Lipschitz gradient and step_size <= 1 / (8 L) the squared length of the gradient falls as 1 / k^2, and no
    method of the first order has a better rate. A step costs two gradients. The arguments are those of
    `GradientAscent`.

    Source: Yoon and Ryu, "Accelerated algorithms for smooth convex-concave minimax problems with O(1/k^2) rate on
    squared gradient norm", 2021; the anchor is Halpern's, 1967.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is k, instance by instance, and y_0."""
        first = leaves(y)[0]
        if state:
            require_state(self, state, [first.new_zeros(len(first)), *leaves(y)])
        count, *start = state or (first.new_zeros(len(first)), *leaves(y))
        share = 1 / (count[0] + 2)
        anchored = map_leaves(lambda now, begun: now + share * (begun - now), y, rebuild(y, start))
        project = oracle.problem.constraint.project
        ahead = project(shifted(anchored, self.step_size, oracle.gradient(y)))
        moved = project(shifted(anchored, self.step_size, oracle.gradient(ahead)))
        return moved, (count + torch.ones_like(count), *start)
