"""A match between two players, stopped where a law wants to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from minimax_l2l.iterate import Iterate
from minimax_l2l.modes import resting
from minimax_l2l.problem import InnerProblem
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.trees import Tree, detach

Player = Literal["theta", "phi"]
Parts = Sequence[Tensor | None]


@dataclass(frozen=True)
class Match:
    """Both players before a game, and its first batches."""

    iteration: Iteration
    batches: list[Any]

    def weights(self, player: Player) -> Sequence[Tensor]:
        """What a player moves; nothing if nobody plays."""
        moved = self.iteration.theta if player == "theta" else self.iteration.phi
        return moved.parameters if moved is not None else ()

    def statistics(self) -> list[Tensor]:
        """Theta's buffers."""
        outer = self.iteration.task.outer
        return [] if outer is None else list(outer.buffers())

    def problem(self) -> InnerProblem:
        """The first batch's problem, both players in the modes of an iteration."""
        self.iteration.step.train()
        return self.iteration.step.problem(self.batches[0])

    def solve(self, problem: InnerProblem) -> Iterate:
        """Y_K as an iteration finds it before theta moves."""
        optimizer = self.iteration.optimizer
        if self.iteration.play == "joint":
            return optimizer.maximize(problem)
        with resting(optimizer), torch.no_grad():
            return optimizer.maximize(problem)

    def maximize(self) -> tuple[InnerProblem, Tree]:
        """The first batch's problem and its y_K."""
        problem = self.problem()
        return problem, self.solve(problem).y

    def number(self, player: Player, problem: InnerProblem, y: Tree) -> Tensor:
        """What theta descends at a fixed y, or phi ascends through y."""
        losses = self.iteration.task.losses(problem, detach(y) if player == "theta" else y)
        number = losses.meta if player == "phi" and losses.meta is not None else losses.outer
        assert number is not None  # a player that has parameters has a number
        return number

    def gradient(self, player: Player) -> Parts:
        """That of a player's number, from a backward of its own."""
        return torch.autograd.grad(self.number(player, *self.maximize()), self.weights(player), allow_unused=True)
