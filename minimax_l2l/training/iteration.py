"""One iteration of the game: a step forward, one backward, and both players move or neither does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from minimax_l2l.errors import NonFiniteError, require_choice
from minimax_l2l.iterate import Iterate
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.training.health import Health, Statistics
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.player import Player
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.step import Moving, Outcome, Step
from minimax_l2l.trees import map_leaves

if TYPE_CHECKING:
    from minimax_l2l.task import Task

Play = Literal["joint", "alternating"]
Measured = dict[str, Tensor | float]


class Iteration:
    """Both players and the step that they share.

    Where the run is on a CPU or has hooks, or an optimizer cannot read a flag on the device, the host asks after
    each backward whether all numbers are finite. Elsewhere nobody waits: once a number is not, no player moves any
    more, and whoever reads the flag with `health.require()` finds both as the last good step left them.

    `"joint"` play takes both gradients from one backward at the same theta; `"alternating"` moves theta, computes
    everything again at the new theta, and then moves phi, as the paper's authors' code does.
    """

    def __init__(
        self,
        task: Task,
        optimizer: InnerOptimizer,
        runtime: Runtime,
        *,
        play: Play = "joint",
        hooks: Iterable[Hook] = (),
    ) -> None:
        if not isinstance(optimizer, InnerOptimizer):
            raise TypeError(
                f"solve needs an inner optimizer, such as PGM(...) or LearnedOptimizer(...), got "
                f"{type(optimizer).__name__}; make one of minimax_l2l's, or a subclass of InnerOptimizer."
            )
        if runtime.world > 1 and not task.data_parallel:
            raise ValueError(
                f"{type(task).__name__} cannot share a batch among {runtime.world} processes; start one."
            )
        self.play: Play = require_choice("play", play, ("joint", "alternating"))  # type: ignore[assignment]
        self.task, self.optimizer, self.runtime, self.hooks = task, optimizer, runtime, tuple(hooks)
        self.step = Step(task, optimizer, self.hooks)
        runtime.place(self.step)
        task.device = runtime.device
        self.theta, self.phi = _theta(task), _phi(task, optimizer)
        self.players = [player for player in (self.theta, self.phi) if player is not None]
        self.health = Health(runtime.device)
        self.statistics = Statistics(self.step, self.health)
        self.waits = (
            runtime.device.type == "cpu"
            or play == "alternating"
            or task.moves_theta
            or bool(self.hooks)  # which must not follow a theta that has failed
            or not all(player.skips for player in self.players)
        )
        if not self.waits:
            for player in self.players:
                player.heed(self.health.failed)
        self._wrapped = runtime.wrap(self.step)
        for hook in self.hooks:
            hook.begin(task.outer)

    def __call__(self, batch: Any) -> Measured:
        """Play one batch and return what to log: tensors that the host has not waited for, and plain numbers.

        Raises:
            NonFiniteError: if a number is not finite and the host waits for it; both players are then as they were.
        """
        self.step.train()
        try:
            outcome = self._alternating(batch) if self.play == "alternating" else self._joint(batch)
        except NonFiniteError:
            self.statistics.put_back()
            raise
        self.statistics.keep()
        for player in self.players:
            player.schedule_step()
        for hook in self.hooks:
            hook.moved()
        end = outcome.turn.end.detach()
        if not self.waits:
            end = self._unless_failed(end, outcome)
        outcome.turn.problem.remember(end, outcome.turn.gradient)
        return {"objective": outcome.value, **outcome.logged, **self.task.move_theta(outcome.turn.problem, end)}

    def _joint(self, batch: Any) -> Outcome:
        outcome = self.differentiate(batch, "both")
        self._move(outcome.value, *self.players)
        return outcome

    def _alternating(self, batch: Any) -> Outcome:
        outcome, before = self.differentiate(batch, "theta"), None
        if self.theta is not None:
            before = self.theta.snapshot()
            self._move(outcome.value, self.theta)
        if self.phi is None:
            return outcome
        try:
            again = self.differentiate(batch, "phi")
            self._move(again.value, self.phi)
        except NonFiniteError:
            if self.theta is not None and before is not None:
                self.theta.put_back(before)
            raise
        return outcome._replace(turn=again.turn)

    def _move(self, value: Tensor, *players: Player) -> None:
        """A step of these players, if what was played and their gradients are finite."""
        norms = [player.norm() for player in players]
        self._look(value, *norms)
        for player, norm in zip(players, norms, strict=True):
            player.move(norm)

    def differentiate(self, batch: Any, moving: Moving) -> Outcome:
        """Play a batch and fill the gradients of those who will move."""
        for player in self.players:
            player.clear()
        part, weight = self.runtime.share(batch)
        with self.runtime.explaining():
            outcome: Outcome = self._wrapped(part, moving)
            outcome.turn.weight = weight
            if outcome.loss is not None:
                self.runtime.backward(outcome.loss if weight == 1 else weight * outcome.loss)
        for hook in self.hooks if moving != "phi" else ():
            hook.differentiated()
        if weight == 1:
            return outcome
        logged = {name: weight * number for name, number in outcome.logged.items()}
        return outcome._replace(value=weight * outcome.value, logged=logged)

    def _look(self, *numbers: Tensor) -> None:
        self.health.look(*numbers)
        if self.runtime.world > 1:
            with self.runtime.explaining():
                self.health.failed.copy_(self.runtime.largest(self.health.failed))
        if self.waits:
            self.health.require()

    def _unless_failed(self, end: Iterate, outcome: Outcome) -> Iterate:
        """What may be remembered: the end, or the start if this step or one before it has failed."""
        failed, problem = self.health.failed > 0, outcome.turn.problem
        y = map_leaves(lambda new, old: torch.where(failed, old, new), end.y, problem.initial())
        first = problem.initial_state()
        if len(first) != len(end.state):  # the problem keeps no state from step to step
            return Iterate(y, end.state)
        return Iterate(y, tuple(torch.where(failed, old, new) for new, old in zip(end.state, first, strict=True)))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next iteration depends on, except the task's own state."""
        return {
            **{name: one.state_dict() if one is not None else None for name, one in self._holders().items()},
            "passes": vars(self.step.meter.passes).copy(),
            "hooks": [hook.state_dict() for hook in self.hooks],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        for name, one in self._holders().items():
            if one is not None:
                one.load_state_dict(state[name])
        vars(self.step.meter.passes).update(state["passes"])
        for hook, own in zip(self.hooks, state["hooks"], strict=True):
            hook.load_state_dict(own)
        self.statistics.keep()

    def _holders(self) -> dict[str, Any]:
        return {"outer": self.task.outer, "optimizer": self.optimizer, "theta": self.theta, "phi": self.phi}


def _theta(task: Task) -> Player | None:
    weights = [part for part in task.outer.parameters() if part.requires_grad] if task.outer is not None else []
    optimizer = task.outer_optimizer() if weights else None
    return Player(weights, optimizer, task.outer_schedule(optimizer)) if optimizer is not None else None


def _phi(task: Task, optimizer: InnerOptimizer) -> Player | None:
    weights = [part for part in optimizer.parameters() if part.requires_grad]
    if not weights:
        return None
    meta = optimizer.meta_optimizer()
    return Player(weights, meta, task.meta_schedule(meta), getattr(optimizer, "clip_norm", None))
