"""Gradient play in which each player has a step size of its own."""

from __future__ import annotations

from minimax_l2l.errors import require_positive, told
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, rebuild


class TwoTimeScales(InnerOptimizer):
    """y_i <- project(y_i + eta_i g_i) for each leaf i of y.

    On the pair (x, y) of a game with y much faster than x, y keeps up with the best answer to x, and play is drawn
    to local minimax points, also to those that are no Nash equilibria. A step costs one gradient.

    Args:
        steps: K.
        step_sizes: one for each leaf, in units of y over units of the gradient.
        random_start: see `InnerOptimizer`.

    Source: Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium",
    2017; Jin, Netrapalli and Jordan, "What is local optimality in nonconvex-nonconcave minimax optimization?",
    2020.
    """

    def __init__(
        self, *, steps: int, step_sizes: tuple[float, ...] = (0.01, 0.1), random_start: float = 0.0
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        if not isinstance(step_sizes, list | tuple) or not step_sizes:
            raise TypeError(
                f"step_sizes must be a tuple of numbers, got {told(step_sizes)}; pass (0.01, 0.1), say."
            )
        self.step_sizes = tuple(
            require_positive(f"step_sizes[{place}]", size) for place, size in enumerate(step_sizes)
        )

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step of all players at once."""
        moves = leaves(oracle.gradient(y))
        if len(moves) != len(self.step_sizes):
            raise ValueError(
                f"step_sizes holds {len(self.step_sizes)} and y has {len(moves)} leaves; give each leaf its own."
            )
        parts = [leaf + size * move for leaf, size, move in zip(leaves(y), self.step_sizes, moves, strict=True)]
        return oracle.problem.constraint.project(rebuild(y, parts)), state
