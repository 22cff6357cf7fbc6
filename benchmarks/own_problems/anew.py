"""Problems whose inner variable starts anew with every batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.own_problems.base import FRESH, Numbers, OwnProblem
from minimax_l2l import (
    PGM,
    Free,
    GradientAscent,
    InnerOptimizer,
    InnerProblem,
    L2Ball,
    NonFiniteError,
    Simplex,
    Tree,
    leaves,
)
from minimax_l2l.constraints.base import Constraint


class FromObjective(InnerProblem):
    """max over y in C of a function, from a start."""

    def __init__(self, module: nn.Module | None, objective: Any, start: Tensor, constraint: Constraint) -> None:
        self.module, self._objective, self.start, self.constraint = module, objective, start, constraint

    def initial(self) -> Tensor:
        """The start."""
        return self.start

    def objective(self, y: Tree) -> Tensor:
        """The function's values, shape (n,)."""
        values: Tensor = self._objective(y)
        return values


class WorstGroup(OwnProblem):
    """min over theta of max over w in the simplex of sum_g w_g loss_g(theta): linear regression of four groups."""

    inner_steps, radius, rate = 5, 1.0, 0.02

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.maps = torch.randn(4, 5, generator=self.numbers()) * torch.tensor([[1.0], [1.0], [1.0], [2.0]])
        self.outer = nn.Linear(5, 1)

    def draw(self, count: int, numbers: Numbers) -> tuple[Tensor, Tensor]:
        """Inputs of each group, and their targets."""
        x = torch.randn(4, count, 5, generator=numbers)
        noise = torch.tensor([[0.1], [0.5], [1.0], [0.1]]) * torch.randn(4, count, generator=numbers)
        return x, torch.einsum("gni,gi->gn", x, self.maps) + noise

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """32 of each group."""
        numbers = self.numbers()
        return (self.draw(32, numbers) for _ in range(600))

    def losses_of(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Each group's mean squared error, shape (4,)."""
        assert self.outer is not None
        return (self.outer(batch[0]).squeeze(-1) - batch[1]).square().mean(1)

    def inner_problem(self, batch: tuple[Tensor, Tensor]) -> InnerProblem:
        """Weights of the groups, equal at first."""
        return FromObjective(
            self.outer, lambda w: (w * self.losses_of(batch)).sum(-1), torch.full((1, 4), 0.25), Simplex()
        )

    @torch.no_grad()
    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """The worst group's error on fresh data."""
        return self.losses_of(self.draw(5000, torch.Generator().manual_seed(FRESH))).max().item()


class Penalised(OwnProblem):
    """min over theta of E max over d of loss(theta, x + d) - 2 |d|^2: two moons, Wasserstein-robust."""

    inner_steps, rate = 5, 0.005

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outer = nn.Sequential(nn.Linear(2, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 1))

    @staticmethod
    def draw(count: int, numbers: Numbers) -> tuple[Tensor, Tensor]:
        """Points of two moons, and which one they are of."""
        side = (torch.rand(count, generator=numbers) < 0.5).float()
        angle = math.pi * torch.rand(count, generator=numbers)
        first = torch.where(side > 0, angle.cos(), 1 - angle.cos())
        second = torch.where(side > 0, angle.sin(), 0.5 - angle.sin())
        return torch.stack([first, second], 1) + 0.1 * torch.randn(count, 2, generator=numbers), side

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """128 points."""
        numbers = self.numbers()
        return (self.draw(128, numbers) for _ in range(600))

    def inner_problem(self, batch: tuple[Tensor, Tensor]) -> InnerProblem:
        """Moves of the points, none at first."""
        x, side = batch
        network = self.outer
        assert network is not None

        def objective(d: Tensor) -> Tensor:
            logits = network(x + d).squeeze(1)
            loss = F.binary_cross_entropy_with_logits(logits, side, reduction="none")
            return loss - 2 * d.square().sum(1)

        return FromObjective(network, objective, torch.zeros_like(x), Free())

    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """The penalised loss at moves found by 200 small steps, the better of two sizes for each point."""
        problem = self.inner_problem(self.draw(2000, torch.Generator().manual_seed(FRESH)))
        ends = [GradientAscent(steps=200, step_size=size).maximize(problem).y for size in (0.01, 0.05)]
        with torch.no_grad():
            return torch.stack([problem.objective(y) for y in ends]).amax(0).mean().item()


class MovedHills(OwnProblem):
    """max over y of -|y - top|^2 in two steps, no theta; then 20 steps to tops that lie 10 farther away."""

    inner_steps = 2

    def batches(self) -> list[Tensor]:
        """Tops around the origin."""
        return list(torch.randn(300, 64, 4, generator=self.numbers()))

    def inner_problem(self, batch: Tensor) -> InnerProblem:
        """Climb."""
        return FromObjective(None, lambda y: -(y - batch).square().sum(1), torch.zeros_like(batch), Free())

    def judged(self, optimizer: InnerOptimizer) -> float:
        """The mean distance from the tops."""
        tops = 5 + torch.randn(256, 4, generator=torch.Generator().manual_seed(FRESH))
        try:
            end = optimizer.maximize(self.inner_problem(tops), steps=20)
        except NonFiniteError:
            return math.inf
        return (leaves(end.y)[0] - tops).norm(dim=1).mean().item()


class MovedInputs(OwnProblem):
    """min over theta of E max over |d|_2 <= 1/2 of (theta(x + d) - t)^2."""

    inner_steps, radius, rate = 2, 0.5, 0.005

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outer = nn.Sequential(nn.Linear(10, 32), nn.ELU(), nn.Linear(32, 1))

    @staticmethod
    def draw(count: int, numbers: Numbers) -> tuple[Tensor, Tensor]:
        """Inputs and targets."""
        x = torch.randn(count, 10, generator=numbers)
        target = (x[:, :5].sum(1) + x[:, 5] * x[:, 6]).tanh()
        return x, target + 0.1 * torch.randn(count, generator=numbers)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """128 of them."""
        numbers = self.numbers()
        return (self.draw(128, numbers) for _ in range(600))

    def inner_problem(self, batch: tuple[Tensor, Tensor]) -> InnerProblem:
        """Moves of the inputs, none at first."""
        (x, target), network = batch, self.outer
        assert network is not None
        return FromObjective(
            network, lambda d: (network(x + d).squeeze(1) - target).square(), torch.zeros_like(x), L2Ball(0.5)
        )

    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """The squared error at moves found by 50 steps from two starts."""
        problem = self.inner_problem(self.draw(2000, torch.Generator().manual_seed(FRESH)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            end = PGM(steps=50, step_size=0.05, restarts=2).maximize(problem)
        with torch.no_grad():
            return problem.objective(end.y).mean().item()
