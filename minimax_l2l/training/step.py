"""A batch played forward: y by the inner optimizer, both players' numbers, one loss for one backward."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from minimax_l2l.errors import require_a
from minimax_l2l.gradients import require_real
from minimax_l2l.iterate import Iterate, is_kept
from minimax_l2l.meter import Meter
from minimax_l2l.modes import querying, resting
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.problem import InnerProblem
from minimax_l2l.training.gain import measure, rise
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.numbers import require_numbers
from minimax_l2l.trees import Tree, instances, leaves, map_leaves, rebuild

if TYPE_CHECKING:
    from minimax_l2l.task import Task

Moving = Literal["both", "theta", "phi"]
NOTHING: Mapping[str, Tensor] = MappingProxyType({})


class Losses(NamedTuple):
    """Both players' numbers at one y, from one forward.

    Attributes:
        outer: what theta descends, one number; None if it takes no gradient step.
        meta: what phi ascends, one number; None if that is `outer` as well.
        logged: what else to log, by name; one number each, a tensor or a plain one. A tensor is not waited for.
    """

    outer: Tensor | None
    meta: Tensor | None = None
    logged: Mapping[str, Tensor | float] = NOTHING


@dataclass(eq=False)
class Turn:
    """What was played, beside its numbers.

    Attributes:
        problem: the batch's.
        end: y_K and the optimizer's state.
        pull: n d loss / d y_K by leaf, once the backward has passed; empty unless the problem keeps it.
        weight: what the loss was multiplied by before the backward.
    """

    problem: InnerProblem
    end: Iterate
    pull: dict[int, Tensor] = field(default_factory=dict)
    weight: float = 1.0

    @property
    def gradient(self) -> Tree | None:
        """The pull, shaped as y; zeros where nothing pulled. None if it is not kept."""
        if not self.problem.keeps_gradient:
            return None
        y, pull = self.end.y, self.pull
        all_pulls = [pull[i] / self.weight if i in pull else torch.zeros_like(x) for i, x in enumerate(leaves(y))]
        return rebuild(y, all_pulls)


class Outcome(NamedTuple):
    """A batch played forward.

    Attributes:
        loss: from which one backward forms both players' gradients; None if neither has one.
        value: what theta descends, or phi ascends where theta does not descend; detached.
        logged: what else to log, detached.
        turn: the rest.
    """

    loss: Tensor | None
    value: Tensor
    logged: dict[str, Tensor]
    turn: Turn


class Step(nn.Module):
    """Theta and phi in one module, whose forward plays a batch.

    It is what data-parallel training wraps; queries inside it use theta's bare module. Its one loss has both
    players' gradients: with L_theta what theta descends and L_phi what phi ascends,

        loss = L_theta(theta, y) + <y_K(phi), v>,   y = y_K a constant, v = d L_phi / d y a constant,

    so that d loss / d theta = d L_theta / d theta and d loss / d phi = d L_phi / d phi. Where both are the same
    number the loss is that number, y_K with its graph. Hooks are called as soon as y_K is found.
    """

    def __init__(self, task: Task, optimizer: InnerOptimizer, hooks: Iterable[Hook] = ()) -> None:
        super().__init__()
        self.outer, self.optimizer = task.outer, optimizer
        self.task, self.hooks, self.meter = task, tuple(hooks), Meter()
        self.measuring, self._told, self._warned_of_descent = False, False, False
        self.doubted = False  # whether to ask, when measuring, what a short step would gain
        self.rise: Tensor | None = None  # the answer
        self.kept: Tensor | None = None  # whether y, when it was measured, was in a set that is not much wider
        self.goes_on: bool | None = None  # whether problems start where the last one ended, see `see_end`

    def forward(self, batch: Any, moving: Moving = "both") -> Outcome:
        """Play a batch on which one or both will step.

        For `"theta"` alone the optimizer plays y at rest; for `"phi"` alone theta is constant.
        """
        if moving == "phi":
            return self._for_phi(batch)
        problem = self.problem(batch)
        if moving == "both":
            return self.compare(problem, self.optimizer.maximize(problem))
        with resting(self.optimizer), torch.no_grad():
            end = self.optimizer.maximize(problem)
        return self.compare(problem, end)

    def problem(self, batch: Any) -> InnerProblem:
        """The inner problem of a batch at the present theta, with this game's meter."""
        problem = self.task.inner_problem(batch)
        require_a("what inner_problem(batch) returns", problem, InnerProblem, "an InnerProblem", "return one")
        problem.meter, problem.watched = self.meter, True
        problem.lives_on = problem.lives_on or bool(self.goes_on)
        if problem.lives_on and self.optimizer.random_start and not self._told:
            self._told = True
            warnings.warn(
                f"y lives on from step to step, and random_start={self.optimizer.random_start:g} moves it at "
                "random before each; pass random_start=0.0.",
                stacklevel=2,
            )
        return problem

    def see_end(self, problem: InnerProblem, end: Tree) -> None:
        """Note, once per run, whether a problem that has just remembered its end would start there now."""
        if self.goes_on is None:
            keeps = type(problem).remember is not InnerProblem.remember
            self.goes_on = problem.lives_on or (keeps and leaves(problem.initial())[0] is leaves(end)[0])

    def compare(self, problem: InnerProblem, end: Iterate) -> Outcome:
        """Both players' numbers at y_K, joined to one loss."""
        turn = Turn(problem, end)
        for hook in self.hooks:
            hook.found(turn.problem, end)
        learning = any(leaf.requires_grad for leaf in leaves(end.y))
        if not learning and self.outer is None:  # nobody has a gradient to take: the objective is only looked at
            with torch.no_grad():
                value = problem.count(lambda: problem.objective(end.y), instances(end.y), theta=None).mean()
            return Outcome(None, value, self._measured(turn), turn)
        seen = end.y
        if learning:  # a node of its own, through which no more passes back than is let through
            seen = map_leaves(lambda leaf: leaf.view_as(leaf), seen)
        elif problem.keeps_gradient:  # a constant that hears the backward pass by
            seen = map_leaves(lambda leaf: leaf.detach().requires_grad_(), seen)
        losses = self.losses(problem, seen, theta=self.outer)
        self._require_players(losses, learning=learning)
        if learning and losses.meta is None:
            self._warn_of_descent(problem, seen)
        loss = losses.outer
        if losses.meta is not None and learning:
            loss = losses.meta if loss is None else loss + self._pulled(end.y, seen, losses.meta)
        self._keep_pull(turn, seen, apart=losses.meta is not None and losses.outer is not None)
        outcome = self._outcome(loss, losses, turn)
        return outcome._replace(logged={**outcome.logged, **self._measured(turn)})

    def losses(self, problem: InnerProblem, y: Tree, *, theta: nn.Module | None) -> Losses:
        """The task's numbers, their passes counted.

        Raises:
            TypeError: if the task returns something else.
            ValueError: if one is no single number, or what is logged has a name of the loop's own.
        """
        losses: Losses = problem.count(lambda: self.task.losses(problem, y), instances(y), theta=theta)
        _require_losses(losses)
        return losses._replace(logged=require_numbers("what losses returns as logged", losses.logged))

    def _require_players(self, losses: Losses, *, learning: bool) -> None:
        """Refuse a number that its player cannot change."""
        trained = self.outer is not None and any(weight.requires_grad for weight in self.outer.parameters())
        if trained and losses.outer is not None and not losses.outer.requires_grad:
            raise ValueError(
                "losses(problem, y) returned a number for theta that does not depend on it; compute it from the "
                "module `outer`, without detaching or .item()."
            )
        if learning and losses.meta is not None and not losses.meta.requires_grad:
            raise ValueError(
                "losses(problem, y) returned a number for phi that does not depend on y, through which phi is "
                "reached; compute it from the y that is given, without detaching or .item()."
            )

    def _warn_of_descent(self, problem: InnerProblem, y: Tree) -> None:
        """Say once, where a part of y descends, that phi is taught to do the opposite."""
        if not self._warned_of_descent and min(signs := problem.signs_of(y)) < 0:
            self._warned_of_descent = True
            warnings.warn(
                f"phi is trained to raise the objective, but a part of y descends it (signs {tuple(signs)}); "
                "override meta_objective(y) to return minus the logarithm of the gradient's norm, say.",
                stacklevel=2,
            )

    def _pulled(self, y: Tree, seen: Tree, meta: Tensor) -> Tensor:
        """<y_K, d meta / d y>, the second factor a constant."""
        with self.meter.inputs_only():
            pulls = torch.autograd.grad(meta, leaves(seen), retain_graph=True, materialize_grads=True)
        products = [(leaf * pull).sum() for leaf, pull in zip(leaves(y), pulls, strict=True)]
        return torch.stack(products).sum() if len(products) > 1 else products[0]

    @staticmethod
    def _keep_pull(turn: Turn, seen: Tree, *, apart: bool) -> None:
        """Note what the backward says to y_K; and hold it back from phi where phi has a number of its own."""
        keeps = turn.problem.keeps_gradient
        if not (keeps or apart):
            return
        count = instances(seen)
        for place, leaf in enumerate(leaves(seen)):

            def passing(pull: Tensor, place: int = place) -> Tensor | None:
                if keeps:
                    turn.pull[place] = count * pull.detach()
                return torch.zeros_like(pull) if apart else None

            if leaf.requires_grad:
                leaf.register_hook(passing)  # type: ignore[no-untyped-call]

    def _for_phi(self, batch: Any) -> Outcome:
        with querying(self.outer, "train", frozen=False):  # the running statistics have seen this batch
            problem = self.problem(batch)
        with _untracked(problem):
            end = self.optimizer.maximize(problem)
            with querying(problem.module, problem.query_mode):
                losses = self.losses(problem, end.y, theta=None)
        if losses.meta is None:
            self._warn_of_descent(problem, end.y)
        loss, turn = losses.meta if losses.meta is not None else losses.outer, Turn(problem, end)
        self._keep_pull(turn, end.y, apart=False)
        return self._outcome(loss, losses, turn)

    def _measured(self, turn: Turn) -> dict[str, Tensor]:
        if not self.measuring:
            return {}
        self.rise = rise(turn.problem, turn.end.y) if self.doubted else None
        self.kept = is_kept(turn.problem.constraint.project, turn.end.y)
        return measure(turn.problem, turn.end.y)

    def _outcome(self, loss: Tensor | None, losses: Losses, turn: Turn) -> Outcome:
        value = losses.outer if losses.outer is not None else losses.meta
        assert value is not None
        logged = {name: _as_tensor(number, value) for name, number in losses.logged.items()}
        return Outcome(loss if loss is not None and loss.requires_grad else None, value.detach(), logged, turn)


@contextmanager
def _untracked(problem: InnerProblem) -> Iterator[None]:
    """Queries that would move running statistics are made in eval mode instead."""
    if problem.query_mode != "tracked":
        yield
        return
    problem.query_mode = "eval"
    try:
        yield
    finally:
        problem.query_mode = "tracked"


def _as_tensor(number: Tensor | float, beside: Tensor) -> Tensor:
    """A number without its graph; a plain one on the device of another, for which nobody waits."""
    if isinstance(number, Tensor):
        return number.detach()
    return torch.full((), number, dtype=torch.float64, device=beside.device)


def _require_losses(losses: object) -> None:
    if not isinstance(losses, Losses):
        raise TypeError(
            f"losses(problem, y) must return Losses(outer, meta), got {type(losses).__name__}; for one number that "
            "both players share, return Losses(number)."
        )
    if losses.outer is None and losses.meta is None:
        raise ValueError("losses(problem, y) returned neither player's number; give Losses(outer=...) or meta=....")
    for name, number in (("outer", losses.outer), ("meta", losses.meta)):
        if number is not None and (not isinstance(number, Tensor) or number.dim()):
            got = tuple(number.shape) if isinstance(number, Tensor) else type(number).__name__
            raise ValueError(
                f"losses(problem, y) must return one number for {name}, got {got}; take the mean over instances."
            )
        if number is not None:
            require_real(f"losses(problem, y) for {name}", number)
