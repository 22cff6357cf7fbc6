"""Problems whose inner variable lives on from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch import Tensor, nn

from benchmarks.own_problems.base import FRESH, Numbers, OwnProblem
from minimax_l2l import (
    Box,
    InnerOptimizer,
    InnerProblem,
    Iterate,
    Simplex,
    Tree,
    flat_weights,
    leaves,
    with_weights,
)


class Lasting(InnerProblem):
    """y and its optimizer's state go on from where the last batch left them, in the task."""

    lives_on = True

    def __init__(self, task: Any) -> None:
        self.task, self.module = task, task.outer

    def initial(self) -> Tree:
        """Where the last batch ended."""
        return self.task.end.y  # type: ignore[no-any-return]

    def initial_state(self) -> tuple[Tensor, ...]:
        """The state there."""
        return self.task.end.state  # type: ignore[no-any-return]

    def remember(self, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Keep both."""
        self.task.end = end


class MatrixGame(OwnProblem):
    """min over x of max over y of x' A y, both in the simplex, 8 x 8: x is theta's softmax, y lives on."""

    lives_on, radius, rate = True, 1.0, 0.02

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.payoff = torch.randn(8, 8, generator=self.numbers())
        self.outer = nn.Linear(1, 8, bias=False)
        nn.init.zeros_(self.outer.weight)
        self.end, self.mean = Iterate(torch.full((1, 8), 1 / 8)), torch.zeros(8)

    def mixed(self) -> Tensor:
        """x, shape (8,)."""
        assert isinstance(self.outer, nn.Linear)
        return self.outer.weight[:, 0].softmax(0)

    def batches(self) -> Iterator[None]:
        """Rounds; the mean of x over them is kept."""
        for round_ in range(1000):
            self.mean += (self.mixed().detach() - self.mean) / (round_ + 1)
            yield None

    def inner_problem(self, batch: None) -> InnerProblem:  # noqa: ARG002
        """Answers to x."""
        return _Answer(self)

    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """What the best answer to the mean x wins beyond the game's value, which a linear program gives."""
        payoff = self.payoff.numpy().astype(float)
        value = linprog(
            [*np.zeros(8), 1],
            A_ub=np.column_stack([payoff.T, -np.ones(8)]),
            b_ub=np.zeros(8),
            A_eq=[[*np.ones(8), 0]],
            b_eq=[1],
            bounds=[(0, None)] * 8 + [(None, None)],
        ).fun
        return (self.mean @ self.payoff).max().item() - float(value)


class _Answer(Lasting):
    constraint = Simplex()

    def objective(self, y: Tree) -> Tensor:
        return leaves(y)[0] @ (self.task.mixed() @ self.task.payoff)  # type: ignore[no-any-return]


class Instruments(OwnProblem):
    """min over theta of max over h of E[2 h(z) (t - theta(x)) - h(z)^2]: instrumental variables.

    The error of t is correlated with x, so regression is biased; h is a network whose weights live on.
    """

    lives_on, rate = True, 0.003

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outer = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
        self.critic = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1))
        self.end = Iterate(flat_weights(self.critic))

    @staticmethod
    def draw(count: int, numbers: Numbers) -> tuple[Tensor, Tensor, Tensor]:
        """Instruments z, inputs x, outcomes t = |x| + error."""
        z = torch.rand(count, 2, generator=numbers) * 6 - 3
        error = torch.randn(count, 1, generator=numbers)
        x = z[:, :1] + error + 0.3 * torch.randn(count, 1, generator=numbers)
        return z, x, (x.abs() + error + 0.3 * torch.randn(count, 1, generator=numbers)).squeeze(1)

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """256 of them."""
        numbers = self.numbers()
        return (self.draw(256, numbers) for _ in range(3000))

    def inner_problem(self, batch: tuple[Tensor, Tensor, Tensor]) -> InnerProblem:
        """Improve the critic."""
        return _Moments(self, batch)

    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """The squared distance from |x|."""
        assert self.outer is not None
        x = self.draw(4000, torch.Generator().manual_seed(FRESH))[1]
        with torch.no_grad():
            return (self.outer(x) - x.abs()).square().mean().item()


class _Moments(Lasting):
    def __init__(self, task: Instruments, batch: tuple[Tensor, Tensor, Tensor]) -> None:
        super().__init__(task)
        self.batch = batch

    def objective(self, y: Tree) -> Tensor:
        z, x, t = self.batch
        h = with_weights(self.task.critic, leaves(y)[0][0], z).squeeze(1)
        return (2 * h * (t - self.task.outer(x).squeeze(1)) - h.square()).mean()[None]


class Fairness(OwnProblem):
    """min over theta of loss(theta) where groups' mean p differ by at most 0.02: the multipliers live on."""

    lives_on, radius, rate = True, 10.0, 0.01

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.outer, self.end = nn.Linear(5, 1), Iterate(torch.zeros(1, 2))

    @staticmethod
    def draw(count: int, numbers: Numbers) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs, classes, groups."""
        group = (torch.rand(count, generator=numbers) < 0.5).float()
        x = torch.randn(count, 5, generator=numbers)
        x[:, 0] += 1.5 * group
        return x, (torch.rand(count, generator=numbers) < torch.sigmoid(2 * x[:, 0] + x[:, 1] - 1)).float(), group

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """256 of them."""
        numbers = self.numbers()
        return (self.draw(256, numbers) for _ in range(2000))

    def loss_and_excess(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The loss, and by how much either side of the constraint is missed, shape (2,)."""
        assert self.outer is not None
        x, side, group = batch
        logits = self.outer(x).squeeze(1)
        p = logits.sigmoid()
        gap = p[group > 0].mean() - p[group == 0].mean()
        return F.binary_cross_entropy_with_logits(logits, side), torch.stack([gap - 0.02, -gap - 0.02])

    def inner_problem(self, batch: tuple[Tensor, Tensor, Tensor]) -> InnerProblem:
        """Raise the multipliers of what is missed."""
        return _Multipliers(self, batch)

    def judged(self, optimizer: InnerOptimizer) -> float:  # noqa: ARG002
        """The loss, and five times what the constraint is missed by."""
        with torch.no_grad():
            loss, excess = self.loss_and_excess(self.draw(20000, torch.Generator().manual_seed(FRESH)))
        return (loss + 5 * excess.max().clamp_min(0)).item()


class _Multipliers(Lasting):
    constraint = Box(0.0, 20.0)

    def __init__(self, task: Fairness, batch: tuple[Tensor, Tensor, Tensor]) -> None:
        super().__init__(task)
        self.batch = batch

    def objective(self, y: Tree) -> Tensor:
        loss, excess = self.task.loss_and_excess(self.batch)
        return loss + (leaves(y)[0] * excess).sum(1)  # type: ignore[no-any-return]
