"""One iteration of the game: y by the inner optimizer, one forward, one backward, two steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from minimax_l2l.errors import NonFiniteError
from minimax_l2l.modes import querying
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.passes import Passes
from minimax_l2l.problem import InnerProblem
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.trees import Tree, detach

Play = Literal["joint", "alternating"]


class Game(Protocol):
    """What an iteration needs to know of a task."""

    outer: nn.Module | None

    def inner_problem(self, batch: Any) -> InnerProblem:
        """The inner problem of a batch at the present theta."""

    def outer_loss(self, problem: InnerProblem, y: Tree) -> Tensor:
        """What theta descends."""

    def descend(self, problem: InnerProblem, y: Tree) -> Mapping[str, float]:
        """A descent of theta that is not a gradient step."""

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Theta's optimizer."""

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:
        """The schedule of its learning rate."""

    def meta_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:
        """The schedule of phi's learning rate."""


class Iteration:
    """Both players' optimizers, and the step that moves them.

    Args:
        task: the game.
        optimizer: the inner optimizer.
        runtime: device and precision.
        play: `"joint"` takes both gradients from one backward at the same theta; `"alternating"` moves theta,
            computes everything again at the new theta, and then moves phi, as the paper's authors' code does.
        descends_objective: whether theta descends the objective itself; if phi ascends it too, one backward
            serves both.
    """

    def __init__(
        self, task: Game, optimizer: InnerOptimizer, runtime: Runtime, *, play: Play, descends_objective: bool
    ) -> None:
        self.task, self.optimizer, self.runtime, self.play = task, optimizer, runtime, play
        self.descends_objective = descends_objective
        self.passes = Passes()
        self.theta = [p for p in task.outer.parameters() if p.requires_grad] if task.outer is not None else []
        self.phi = [p for p in optimizer.parameters() if p.requires_grad]
        self.outer = task.outer_optimizer() if self.theta else None
        self.schedule = task.outer_schedule(self.outer) if self.outer is not None else None
        self.meta = optimizer.meta_optimizer() if self.phi else None
        self.meta_schedule = task.meta_schedule(self.meta) if self.meta is not None else None

    def __call__(self, batch: Any) -> dict[str, float]:
        """Play one batch and return what to log."""
        buffers = [(buffer, buffer.clone()) for buffer in self._buffers()]
        try:
            value, extra = self._alternating(batch) if self.play == "alternating" else self._joint(batch)
        except NonFiniteError:  # a bad batch has gone into the running statistics of BatchNorm
            for buffer, before in buffers:
                buffer.copy_(before)
            raise
        for schedule in (self.schedule, self.meta_schedule):
            if schedule is not None:
                schedule.step()
        return {"objective": value, **extra}

    def _joint(self, batch: Any) -> tuple[float, Mapping[str, float]]:
        self._training()
        problem = self.pose(batch)
        y = self.maximize(problem)
        value = self.differentiate(problem, y)
        _require_finite(value, self.theta + self.phi)
        self._move_theta()
        self._move_phi()
        problem.remember(detach(y))
        return value.item(), self.task.descend(problem, detach(y))

    def _alternating(self, batch: Any) -> tuple[float, Mapping[str, float]]:
        self._training()
        problem = self.pose(batch)
        self.optimizer.eval()
        with torch.no_grad():
            y = self.maximize(problem)
        self.optimizer.train()
        value = self._gradient_of_theta(problem, y)
        _require_finite(value, self.theta)
        self._move_theta()
        if self.meta is not None:
            with querying(self.task.outer, "train"):  # the running statistics have seen this batch
                problem = self.pose(batch)
            y = self.maximize(problem)
            with querying(problem.module, problem.query_mode):
                meta = self._gradient_of_phi(problem, y)
            _require_finite(meta, self.phi)
            self._move_phi()
        problem.remember(detach(y))
        return value.item(), self.task.descend(problem, detach(y))

    def pose(self, batch: Any) -> InnerProblem:
        """The inner problem of a batch at the present theta, with this run's counter."""
        with self.runtime.autocast():
            problem = self.task.inner_problem(batch)
        problem.passes = self.passes
        return problem

    def maximize(self, problem: InnerProblem) -> Tree:
        """Let the inner optimizer solve a problem."""
        with self.runtime.autocast():
            return self.optimizer.maximize(problem)

    def differentiate(self, problem: InnerProblem, y: Tree) -> Tensor:
        """Fill the gradients of theta and phi at the same theta; return the objective.

        Where both players have the same number there is one forward and one backward. Otherwise there is a
        backward for each, and a forward for each unless the problem shares it.
        """
        shared = self.descends_objective and type(problem).meta_objective is InnerProblem.meta_objective
        if not shared or not self.theta:
            value = self._gradient_of_theta(problem, y) if self.theta else None
            if self.meta is not None:
                with querying(self.task.outer, "train"):  # the running statistics have seen this batch
                    meta = self._gradient_of_phi(problem, y)
                value = meta if value is None else value
            return self._value_alone(problem, y) if value is None else value
        self._clear()
        with self.runtime.autocast():
            value = self.task.outer_loss(problem, y)
        value.backward()  # type: ignore[no-untyped-call]
        self.passes.add(forward=1, input_gradient=1, weight_gradient=1)
        return value.detach()

    def _gradient_of_theta(self, problem: InnerProblem, y: Tree) -> Tensor:
        if not self.theta:
            return self._value_alone(problem, y)
        with self.runtime.autocast():
            value = self.task.outer_loss(problem, y)
        _require_loss(value)
        keep = problem.shares_forward and self.play == "joint"
        _assign(self.theta, torch.autograd.grad(value, self.theta, retain_graph=keep, allow_unused=True))
        self.passes.add(forward=1, input_gradient=1, weight_gradient=1)
        return value.detach()

    def _gradient_of_phi(self, problem: InnerProblem, y: Tree) -> Tensor:
        with self.runtime.autocast():
            value = problem.meta_objective(y).mean()
        _assign(self.phi, torch.autograd.grad(value, self.phi, allow_unused=True))
        shared = problem.shares_forward and bool(self.theta) and self.play == "joint"
        self.passes.add(forward=0 if shared else 1, input_gradient=1)
        return value.detach()

    @torch.no_grad()
    def _value_alone(self, problem: InnerProblem, y: Tree) -> Tensor:
        """Neither player takes a gradient step: the objective is only looked at."""
        self.passes.add(forward=1)
        return problem.objective(y).mean()

    def _buffers(self) -> Iterator[Tensor]:
        if self.task.outer is not None:
            yield from self.task.outer.buffers()
        yield from self.optimizer.buffers()

    def _training(self) -> None:
        if self.task.outer is not None:
            self.task.outer.train()
        self.optimizer.train()

    def _clear(self) -> None:
        for parameter in (*self.theta, *self.phi):
            parameter.grad = None

    def _move_theta(self) -> None:
        if self.outer is not None:
            self.outer.step()

    def _move_phi(self) -> None:
        if self.meta is None:
            return
        limit = getattr(self.optimizer, "clip_norm", None)
        if limit is not None:
            nn.utils.clip_grad_norm_(self.phi, limit)
        self.meta.step()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next iteration depends on, except the task's own state."""
        return {
            "outer": self.task.outer.state_dict() if self.task.outer is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "outer_optimizer": self.outer.state_dict() if self.outer is not None else None,
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "meta_optimizer": self.meta.state_dict() if self.meta is not None else None,
            "meta_schedule": self.meta_schedule.state_dict() if self.meta_schedule is not None else None,
            "passes": vars(self.passes).copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        holders: list[tuple[str, Any]] = [
            ("outer", self.task.outer),
            ("optimizer", self.optimizer),
            ("outer_optimizer", self.outer),
            ("schedule", self.schedule),
            ("meta_optimizer", self.meta),
            ("meta_schedule", self.meta_schedule),
        ]
        for name, holder in holders:
            if holder is not None:
                holder.load_state_dict(state[name])
        self.passes = Passes(**state["passes"])


def _assign(parameters: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def _require_loss(value: Tensor) -> None:
    """Refuse an outer loss that has no backward pass.

    Raises:
        ValueError: if it is not one number, or does not depend on theta.
    """
    if value.dim() or not value.requires_grad:
        constant = "" if value.requires_grad else " that does not depend on it"
        raise ValueError(
            f"outer_loss must return one number to differentiate by theta, got a tensor of shape "
            f"{tuple(value.shape)}{constant}; compute it from the module `outer` and take the mean over instances."
        )


def _require_finite(value: Tensor, parameters: Iterable[Tensor]) -> None:
    """Refuse to step on an objective or a gradient that is not a number.

    Raises:
        NonFiniteError: if one is NaN or infinite.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for name, number in (("objective", value), ("gradient", nn.utils.get_total_norm(gradients))):
        if not math.isfinite(number.item()):
            raise NonFiniteError(
                f"the {name} became {number.item()}, so neither player has a step to take; lower the learning "
                "rates or the step size, or look for a division, root or logarithm that can meet zero."
            )
