"""Competitive gradient descent: each step is the equilibrium of the game's bilinear approximation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from minimax_l2l.errors import require_count, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, per_instance, rebuild

Map = Callable[[Tensor], Tensor]


class CompetitiveGradient(InnerOptimizer):
    """(dx, dy) solves the game in which both players know how the other's move changes their gradient.

        min over dx of max over dy of f_x dx + f_y dy + dx' f_xy dy + (|dx|^2 - |dy|^2) / (2 eta)
        dx = -eta (I + eta^2 f_xy f_yx)^-1 (f_x + eta f_xy f_y),    dy = eta (f_y + f_yx dx)

    The new pair is projected. The system is solved by conjugate gradients. A step costs one gradient, one product,
    and two products for each round of them: for numbers x and y one round is exact, so that a step costs four
    passes.

    Args:
        steps: K.
        step_size: eta, in units of y over units of the gradient.
        tolerance: length of the residual, in units of the right side's, at which an instance is solved.
        rounds: of conjugate gradients, at most.
        random_start: see `InnerOptimizer`.

    Source: Schaefer and Anandkumar, "Competitive gradient descent", 2019.
    """

    def __init__(
        self,
        *,
        steps: int,
        step_size: float,
        tolerance: float = 1e-6,
        rounds: int = 100,
        random_start: float = 0.0,
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.tolerance = require_positive("tolerance", tolerance)
        self.rounds = require_count("rounds", rounds, least=1)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step of both players; a ValueError unless one of two leaves ascends and the other descends."""
        signs = oracle.problem.signs_of(y)
        if sorted(signs) != [-1, 1]:
            raise ValueError(
                f"competitive gradient descent is for two players, one of whom descends, got signs {signs}; give a "
                "game the pair (x, y) with signs (-1, 1)."
            )
        slope, eta, down = oracle.slope(y), self.step_size, signs.index(-1)
        moves = list(leaves(slope.gradient))
        f_x, f_y = -moves[down], moves[1 - down]

        def f_yx(vector: Tensor) -> Tensor:
            return -self._mixed(slope.transposed, moves, down, vector)

        def f_xy(vector: Tensor) -> Tensor:
            return self._mixed(slope.transposed, moves, 1 - down, vector)

        right = f_x + eta * f_xy(f_y)
        solved, felt = self._solve(right, f_y, lambda x: eta * f_yx(x), lambda y: eta * f_xy(y))
        parts = list(leaves(y))
        parts[down] = parts[down] - eta * solved
        parts[1 - down] = parts[1 - down] + eta * (f_y - felt)  # eta f_yx dx = -eta * (eta f_yx) solved
        return oracle.problem.constraint.project(rebuild(y, parts)), state

    @staticmethod
    def _mixed(transposed: Callable[[Tree], Tree], like: list[Tensor], place: int, vector: Tensor) -> Tensor:
        """The other leaf's part of J' v for a v that is zero but in one leaf."""
        only = [vector if at == place else torch.zeros_like(leaf) for at, leaf in enumerate(like)]
        return leaves(transposed(tuple(only)))[1 - place]

    def _solve(self, right: Tensor, other: Tensor, there: Map, back: Map) -> tuple[Tensor, Tensor]:
        """The z with z + back(there(z)) = right, and there(z), shaped as `other`, by conjugate gradients."""
        solved, residual, direction = torch.zeros_like(right), right, right
        felt = torch.zeros_like(other)
        size = _dot(residual, residual)
        least = self.tolerance**2 * size
        for _ in range(self.rounds):
            going = size > least
            if not going.any():
                break
            sent = there(direction)
            image = direction + back(sent)
            length = per_instance(torch.where(going, size / _dot(direction, image), 0), right)
            solved, felt = solved + length * direction, felt + length * sent
            residual = residual - length * image
            size, before = _dot(residual, residual), size
            direction = residual + per_instance(torch.where(going, size / before, 0), right) * direction
        return solved, felt


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).flatten(1).sum(1)
