"""A match that can be played again and again from the same seed, stopped where a law wants to look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from minimax_l2l.iterate import Iterate
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.problem import InnerProblem
from minimax_l2l.task import Task
from minimax_l2l.training.iteration import Iteration, Play
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.trees import Tree, detach

BATCHES = 3
Parts = Sequence[Tensor | None]


@dataclass(frozen=True)
class Match:
    """Both players before a game, and its first batches."""

    task: Task
    optimizer: InnerOptimizer
    iteration: Iteration
    batches: list[Any]

    @property
    def theta(self) -> Sequence[Tensor]:
        """What theta moves."""
        return self.iteration.theta.parameters if self.iteration.theta is not None else ()

    @property
    def phi(self) -> Sequence[Tensor]:
        """What phi moves."""
        return self.iteration.phi.parameters if self.iteration.phi is not None else ()

    def problem(self) -> InnerProblem:
        """The first batch's problem, both players in the modes of an iteration."""
        self.iteration.step.train()
        return self.iteration.step.problem(self.batches[0])

    def solve(self, problem: InnerProblem) -> Iterate:
        """Y_K as an iteration finds it before theta moves."""
        if self.iteration.play == "joint":
            return self.optimizer.maximize(problem)
        self.optimizer.eval()
        with torch.no_grad():
            end = self.optimizer.maximize(problem)
        self.optimizer.train()
        return end

    def maximize(self) -> tuple[InnerProblem, Tree]:
        """The first batch's problem and its y_K."""
        problem = self.problem()
        return problem, self.solve(problem).y

    def outer(self, problem: InnerProblem, y: Tree) -> Tensor:
        """What theta descends at a fixed y."""
        outer = self.task.losses(problem, detach(y)).outer
        assert outer is not None  # theta has parameters, so it has a number
        return outer

    def meta(self, problem: InnerProblem, y: Tree) -> Tensor:
        """What phi ascends through y."""
        losses = self.task.losses(problem, y)
        meta = losses.meta if losses.meta is not None else losses.outer
        assert meta is not None
        return meta


@dataclass(frozen=True)
class Table:
    """Where the same match can be played again and again."""

    task_factory: Callable[[], Task]
    optimizer_factory: Callable[[], InnerOptimizer]
    device: str
    seed: int
    tolerance: float

    def match(self, play: Play = "joint") -> Match:
        """A fresh match; everything random starts again from the seed."""
        torch.manual_seed(self.seed)
        task, optimizer = self.task_factory(), self.optimizer_factory()
        runtime = Runtime(self.device)
        iteration = Iteration(task, optimizer, runtime, play=play)
        for player in iteration.players:
            for group in player.optimizer.param_groups:
                if "weight_decay" in group:  # it pulls towards zero, whatever the players want
                    group["weight_decay"] = 0.0
        batches = [runtime.share(batch)[0] for batch in islice(task.batches(), BATCHES)]
        return Match(task, optimizer, iteration, batches)
