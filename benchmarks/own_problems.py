"""Problems that nobody tuned an inner optimizer for: small, of several kinds, each with a number to be judged by.

In some the inner variable starts anew with every batch, in others it lives on. The number is worked out without the
inner optimizer that was used: by a formula, a linear program, or long careful ascent. Lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linprog
from torch import Tensor, nn

from minimax_l2l import (
    PGM,
    Box,
    Free,
    GradientAscent,
    InnerOptimizer,
    InnerProblem,
    Iterate,
    L2Ball,
    NonFiniteError,
    Simplex,
    Task,
    Tree,
    flat_weights,
    leaves,
    with_weights,
)
from minimax_l2l.constraints.base import Constraint

Numbers = torch.Generator
FRESH = 10**6  # seeds what a trained theta is judged on


class OwnProblem(Task):
    """A task with a number at the end.

    Attributes:
        inner_steps: K.
        radius: the size of y's set, by which a step size of PGM goes; None where y is free.
    """

    inner_steps = 1
    radius: float | None = None
    rate = 1e-3  # of theta's Adam

    def __init__(self, seed: int) -> None:
        self.seed = seed
        torch.manual_seed(seed)

    def numbers(self) -> Numbers:
        """Where a run's random numbers come from."""
        return torch.Generator().manual_seed(self.seed)

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Adam."""
        return torch.optim.Adam(self.outer.parameters(), lr=self.rate) if self.outer is not None else None

    def judged(self, optimizer: InnerOptimizer) -> float:
        """The number, lower is better."""
        raise NotImplementedError


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


class MatrixGame(OwnProblem):
    """min over x of max over y of x' A y, both in the simplex, 8 x 8: x is theta's softmax, y lives on."""

    radius, rate = 1.0, 0.02

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


class Instruments(OwnProblem):
    """min over theta of max over h of E[2 h(z) (t - theta(x)) - h(z)^2]: instrumental variables.

    The error of t is correlated with x, so regression is biased; h is a network whose weights live on.
    """

    rate = 0.003

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

    radius, rate = 10.0, 0.01

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


# The defaults were chosen while looking at the first four, at no other.
LOOKED_AT: Mapping[str, type[OwnProblem]] = {
    "worst group": WorstGroup,
    "penalised moves": Penalised,
    "matrix game": MatrixGame,
    "moved hills": MovedHills,
}
UNTOUCHED: Mapping[str, type[OwnProblem]] = {
    "moves in a ball": MovedInputs,
    "instruments": Instruments,
    "multipliers": Fairness,
}
