"""The extragradient method: a look ahead, then a step along the gradient found there."""

from __future__ import annotations

from minimax_l2l.iterate import State
from minimax_l2l.optimizers.ascent import GradientAscent
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, map_leaves


class ExtraGradient(GradientAscent):
    """y' = project(y_k + step_size * g(y_k)), y_{k+1} = project(y_k + step_size * g(y')).

    On the pair (x, y) of a game with signs (-1, +1) it settles f = xy, on which gradient play leaves. A step costs
    two gradients.

    Source: Korpelevich, 1976.

    Args:
        steps: K.
        step_size: in units of y over units of the gradient.
        random_start: see `InnerOptimizer`.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """Look ahead, come back, step."""
        project = oracle.problem.constraint.project

        def moved(gradient: Tree) -> Tree:
            return project(map_leaves(lambda a, b: a + self.step_size * b, y, gradient))

        ahead = moved(oracle.gradient(y))
        return moved(oracle.gradient(ahead)), state
