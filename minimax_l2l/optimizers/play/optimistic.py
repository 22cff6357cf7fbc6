"""Extragradient for the price of one gradient per step: the last one stands for the one ahead."""

from __future__ import annotations

from minimax_l2l.iterate import State
from minimax_l2l.optimizers.ascent import GradientAscent
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, map_leaves, rebuild, shifted


class OptimisticAscent(GradientAscent):
    """y_{k+1} = project(y_k + step_size * (2 g(y_k) - g(y_{k-1}))).

    At the first step g(y_{k-1}) is g(y_k). Without a constraint the points are those ahead, y', of
    `PastExtraGradient`. A step costs one gradient. The arguments are those of `GradientAscent`.

    Source: Daskalakis et al., "Training GANs with optimism", 2018.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is the last gradient."""
        gradient = oracle.gradient(y)
        if state:
            require_state(self, state, leaves(y))
        last = rebuild(gradient, state) if state else gradient
        ahead = map_leaves(lambda now, before: 2 * now - before, gradient, last)
        return oracle.problem.constraint.project(shifted(y, self.step_size, ahead)), leaves(gradient)


class PastExtraGradient(GradientAscent):
    """y' = project(y_k + step_size * g(y'_{k-1})), y_{k+1} = project(y_k + step_size * g(y')).

    Extragradient that looks ahead along the gradient of the last point ahead, so that a step costs one. The first
    point ahead is y_0. The arguments are those of `GradientAscent`.

    Source: Popov, 1980; Gidel et al., "A variational inequality perspective on generative adversarial networks",
    2019.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is the gradient at the last point ahead."""
        project, ahead = oracle.problem.constraint.project, y
        if state:
            require_state(self, state, leaves(y))
            ahead = project(shifted(y, self.step_size, rebuild(y, state)))
        gradient = oracle.gradient(ahead)
        return project(shifted(y, self.step_size, gradient)), leaves(gradient)
