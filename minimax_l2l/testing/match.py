"""A match that can be played again and again from the same seed, stopped where a law wants to look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.problem import InnerProblem
from minimax_l2l.task import Task
from minimax_l2l.training.iteration import Iteration, Play
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.trees import Tree

BATCHES = 3
Parts = Sequence[Tensor | None]


@dataclass(frozen=True)
class Match:
    """Both players before a game, and its first batches."""

    task: Task
    optimizer: InnerOptimizer
    iteration: Iteration
    batches: list[Any]

    def pose(self) -> InnerProblem:
        """The first batch's problem, both players in the modes of an iteration."""
        if self.task.outer is not None:
            self.task.outer.train()
        self.optimizer.train()
        return self.iteration.pose(self.batches[0])

    def solve(self, problem: InnerProblem) -> Tree:
        """Y_K as an iteration finds it before theta moves."""
        if self.iteration.play == "joint":
            return self.iteration.maximize(problem)
        self.optimizer.eval()
        with torch.no_grad():
            y = self.iteration.maximize(problem)
        self.optimizer.train()
        return y

    def maximize(self) -> tuple[InnerProblem, Tree]:
        """The first batch's problem and its y_K."""
        problem = self.pose()
        return problem, self.solve(problem)


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
        for module in (task.outer, optimizer):
            if module is not None:
                runtime.place(module)
        task.device = runtime.device
        own = type(task).outer_loss is Task.outer_loss
        iteration = Iteration(task, optimizer, runtime, play=play, descends_objective=own)
        for player in (iteration.outer, iteration.meta):
            for group in player.param_groups if player is not None else []:
                if "weight_decay" in group:  # it pulls towards zero, whatever the players want
                    group["weight_decay"] = 0.0
        batches = [runtime.place_batch(batch) for batch in islice(task.batches(), BATCHES)]
        return Match(task, optimizer, iteration, batches)
