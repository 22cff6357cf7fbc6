"""K-beam play: several answers of y are kept, and x descends against the best."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.errors import require_count, require_not_negative, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, leaves, per_instance


class KBeam(InnerOptimizer):
    """x <- project(x - eta f_x(x, y_b)), y_j <- project(y_j + eta f_y(x, y_j)) for j = 1 ... m.

    b = argmax_j f(x, y_j) is the best answer to x, and all players move at once, so one answer alone is gradient
    play. Where the best answer to x jumps, gradient play with one y oscillates; several answers follow several
    maxima. The y of an iterate is the answer that was the best. A step costs m gradients.

    Args:
        steps: K.
        step_size: eta, in units of y over units of the gradient.
        beams: m, how many answers are kept.
        spread: how far they are strewn around the first at the start, in each coordinate, in units of y.
        random_start: see `InnerOptimizer`.

    Source: Hamm and Noh, "K-beam minimax: efficient optimization for deep adversarial learning", 2018.
    """

    def __init__(
        self, *, steps: int, step_size: float, beams: int = 3, spread: float = 0.5, random_start: float = 0.0
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.beams = require_count("beams", beams, least=1)
        self.spread = require_not_negative("spread", spread)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is the answers that are kept."""
        problem, signs = oracle.problem, oracle.problem.signs_of(y)
        if signs != (-1, 1):
            raise ValueError(
                f"K-beam play is for a player that descends and one that answers, got signs {signs}; give a game "
                "the pair (x, y) with signs (-1, 1)."
            )
        x = leaves(y)[0]
        values, downs, answers = [], [], []
        for answer in state or self._strewn(problem, y):
            value, gradient = oracle.value_and_gradient((x, answer))
            down, up = leaves(gradient)
            values.append(value.detach())
            downs.append(down)
            answers.append(answer + self.step_size * up)
        best = torch.stack(values).argmax(0)
        moved = problem.constraint.project((x + self.step_size * _of(downs, best), _of(answers, best)))
        kept = (leaves(problem.constraint.project((x, answer)))[1] for answer in answers)
        return moved, tuple(kept)

    def _strewn(self, problem: InnerProblem, y: Tree) -> tuple[Tensor, ...]:
        """The answer that is there, and others around it."""
        x, first = leaves(y)
        noises = (leaves(problem.noise(y, draw))[1] for draw in range(1, self.beams))
        strewn = (first + self.spread * (2 * noise - 1) for noise in noises)
        return (first, *(leaves(problem.constraint.project((x, answer)))[1] for answer in strewn))


def _of(parts: list[Tensor], chosen: Tensor) -> Tensor:
    """Instance by instance, the part whose number was chosen."""
    places = per_instance(chosen, parts[0]).expand_as(parts[0])
    return torch.stack(parts).gather(0, places[None])[0]
