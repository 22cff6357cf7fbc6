"""One iteration of the game: a step forward, one backward, and both players move or neither does."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from minimax_l2l.errors import NonFiniteError, require_a, require_choice, require_each, require_whole
from minimax_l2l.gradients import require_recording, require_values
from minimax_l2l.iterate import Iterate
from minimax_l2l.modes import train
from minimax_l2l.optimizers.base import InnerOptimizer, require_inner_optimizer
from minimax_l2l.training.drivable import require_optimizer, require_schedule
from minimax_l2l.training.health import Health, Statistics
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.numbers import require_numbers
from minimax_l2l.training.player import Player
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.step import Moving, Outcome, Step
from minimax_l2l.trees import detach, largest, map_leaves

if TYPE_CHECKING:
    from minimax_l2l.task import Task

Play = Literal["joint", "alternating"]
Measured = dict[str, Tensor | float]
UNREACHED_THETA = (
    "no weight of outer got a gradient in the first step, so theta would never move; compute losses(problem, y) "
    "and objective(y) from the module outer itself, with gradients on"
)
UNREACHED_PHI = (
    "no weight of the inner optimizer got a gradient in the first step, so phi would never learn; give it "
    "steps=1 or more, compute the losses from the y that is given, or freeze it with requires_grad_(False)"
)


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
        hooks: Sequence[Hook] = (),
    ) -> None:
        require_recording()
        require_inner_optimizer("optimizer", optimizer)
        require_values("the inner optimizer", optimizer)
        if runtime.world > 1 and not task.data_parallel:
            raise ValueError(
                f"{type(task).__name__} cannot share a batch among {runtime.world} processes; start one."
            )
        if task.outer is not None:
            require_a("outer", task.outer, nn.Module, "theta's network", "set a torch.nn.Module, or None")
            require_whole("outer", task.outer)
            require_values("outer", task.outer)
        self.play: Play = require_choice("play", play, ("joint", "alternating"))  # type: ignore[assignment]
        self.task, self.optimizer, self.runtime = task, optimizer, runtime
        self.hooks = require_each("hooks", hooks, Hook, "a Hook", "pass for instance [WeightAverage(0.999)]")
        self.step = Step(task, optimizer, self.hooks)
        runtime.place(self.step)
        task.device = runtime.device
        self.theta, self.phi = _theta(task, alone=not optimizer.learns), _phi(task, optimizer)
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
        self.first_size: Tensor | None = None  # of y_0 in the first step that is played here
        self._wrapped = runtime.wrap(self.step)
        for hook in self.hooks:
            hook.begin(task.outer)

    def __call__(self, batch: Any, *, measuring: bool = False) -> Measured:
        """Play one batch and return what to log: tensors that the host has not waited for, and plain numbers.

        With `measuring`, what the inner optimizer gained is among them, at two more forwards.

        Raises:
            NonFiniteError: if a number is not finite and the host waits for it; both players are then as they were.
        """
        train(self.step)
        self.step.measuring = measuring
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
        if self.first_size is None:
            started = outcome.turn.problem.start_size
            self.first_size = started if started is not None else largest(end.y)
            if self.runtime.writes:
                self._warn_of_weights_left_out(outcome.turn.problem.module)
        if not self.waits:
            end = self._unless_failed(end, outcome)
        outcome.turn.problem.remember(end, outcome.turn.gradient)
        self.step.see_end(outcome.turn.problem, end.y)
        moved = require_numbers("what move_theta returns", self.task.move_theta(outcome.turn.problem, end))
        return {"objective": outcome.value, **outcome.logged, **moved}

    def _warn_of_weights_left_out(self, module: nn.Module | None) -> None:
        """Say it where a network that wants to be trained is no theta."""
        if self.task.outer is not None or self.task.moves_theta or module is None:
            return
        if any(weight.requires_grad for weight in module.parameters()):
            warnings.warn(
                f"outer is None, so the weights of the problem's module, a {type(module).__name__}, never move; "
                "set outer to it, or freeze them with requires_grad_(False).",
                stacklevel=6,
            )

    def _joint(self, batch: Any) -> Outcome:
        movers = [player for player in self.players if player.moves]
        rests = self.phi is not None and not self.phi.moves
        outcome = self.differentiate(batch, "theta" if rests else "both")
        self._move(outcome.value, *movers)
        return outcome

    def _alternating(self, batch: Any) -> Outcome:
        outcome, before = self.differentiate(batch, "theta"), None
        if self.theta is not None:
            before = self.theta.snapshot()
            self._move(outcome.value, self.theta)
        if self.phi is None or not self.phi.moves:
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
        for player in players:
            player.require_gradient(UNREACHED_THETA if player is self.theta else UNREACHED_PHI)
        norms = [player.norm() for player in players]
        self._look(value, *norms)
        for player, norm in zip(players, norms, strict=True):
            player.move(norm)

    def differentiate(self, batch: Any, moving: Moving) -> Outcome:
        """Play a batch and fill the gradients of those who will move."""
        for player in self.players:
            player.clear()
        part, weight = self.runtime.share(batch)
        with self.runtime.explaining(), torch.enable_grad():
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
        y = map_leaves(lambda new, old: torch.where(failed, old, new), end.y, detach(problem.initial()))
        first = problem.initial_state()
        if len(first) != len(end.state):  # the problem keeps no state from step to step
            return Iterate(y, end.state)
        return Iterate(y, tuple(torch.where(failed, old, new) for new, old in zip(end.state, first, strict=True)))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next iteration depends on, except the task's own state."""
        return {
            **{name: one.state_dict() if one is not None else None for name, one in self._holders().items()},
            "passes": vars(self.step.meter.passes).copy(),
            "goes_on": self.step.goes_on,
            "first_size": self.first_size,
            "hooks": [hook.state_dict() for hook in self.hooks],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        for name, one in self._holders().items():
            if one is not None:
                one.load_state_dict(state[name])
        vars(self.step.meter.passes).update(state["passes"])
        self.step.goes_on, self.first_size = state["goes_on"], state["first_size"]
        if len(self.hooks) != len(state["hooks"]):
            raise ValueError(f"it has {len(state['hooks'])} hooks, {len(self.hooks)} were given")
        for hook, own in zip(self.hooks, state["hooks"], strict=True):
            hook.load_state_dict(own)
        self.statistics.keep()

    def _holders(self) -> dict[str, Any]:
        return {"outer": self.task.outer, "optimizer": self.optimizer, "theta": self.theta, "phi": self.phi}


def _theta(task: Task, *, alone: bool) -> Player | None:
    """Theta as a player; None if it takes no gradient step."""
    if task.outer is None:
        return None
    weights = [part for part in task.outer.parameters() if part.requires_grad]
    if not weights:
        if alone and not task.moves_theta:
            raise ValueError(
                f"outer ({type(task.outer).__name__}) has no weights that require a gradient, and the optimizer "
                "has none to learn, so nothing would be trained; call outer.requires_grad_(), or leave outer None."
            )
        return None
    optimizer = require_optimizer("outer_optimizer", task.outer_optimizer(), weights, ascends=False)
    schedule = require_schedule("outer_schedule", task.outer_schedule(optimizer), optimizer)
    return Player(weights, optimizer, schedule)


def _phi(task: Task, optimizer: InnerOptimizer) -> Player | None:
    weights = [part for part in optimizer.parameters() if part.requires_grad]
    if not weights:
        return None
    meta = require_optimizer("meta_optimizer", optimizer.meta_optimizer(), weights, ascends=True)
    schedule = require_schedule("meta_schedule", task.meta_schedule(meta), meta)
    clip_norm, every = getattr(optimizer, "clip_norm", None), getattr(optimizer, "learns_every", 1)
    return Player(weights, meta, schedule, clip_norm, every)
