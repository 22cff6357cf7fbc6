"""The inner problem: max over y in C of f(theta, y), bound to one batch and one theta."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor, nn

from minimax_l2l.arguments import Shown
from minimax_l2l.constraints.base import Constraint
from minimax_l2l.constraints.free import Free
from minimax_l2l.iterate import Iterate, State
from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode
from minimax_l2l.passes import Passes
from minimax_l2l.trees import Tree, leaves, map_leaves, ravel

Result = TypeVar("Result")


class InnerProblem(Shown, ABC):
    """max over y in C of f(theta, y).

    A problem holds its batch and theta, so an optimizer needs nothing but the problem. A subclass needs two
    methods: `initial` says where y starts, and `objective` says what it ascends.

    Instances are independent: entry i of the objective depends on entry i of y only. So the gradient of one sum is
    a whole batch of inner gradients. `minimax_l2l.testing.check_problem` checks it.

    Attributes:
        constraint: the feasible set C.
        signs: +1 if a leaf of y ascends the objective, -1 if it descends; one number for all, or one per leaf.
            This is the only place where the game's sign is stated.
        module: theta's module; None if there is none. Queries switch its modes and restore them, and its passes are
            counted.
        query_mode: `"eval"`, or `"train"` to run queries with the batch's own statistics. `"tracked"` runs them as
            passes of training, which move running statistics, where theta moves; in eval mode where phi alone does.
        watched: whether someone else checks that the numbers stay finite, as a run does; otherwise `maximize` waits
            for y_K and checks it.
        start_size: the largest entry of y_0, which `maximize` leaves here where the problem is `watched`.
        lives_on: whether y starts where the last problem's y ended. A run then warns of an optimizer that moves its
            start at random, and a `LearnedOptimizer` takes short steps. A run sees by itself
            when `initial` returns the very tensor that `remember` has just been given.
        keeps_gradient: whether `remember` should receive the gradient at y_K. It costs no extra pass.
    """

    constraint: Constraint = Free()
    signs: float | tuple[float, ...] = 1.0
    module: nn.Module | None = None
    query_mode: QueryMode = "eval"
    watched: bool = False
    start_size: Tensor | None = None
    lives_on: bool = False
    keeps_gradient: bool = False

    @abstractmethod
    def initial(self) -> Tree:
        """Where the inner variable starts: a tensor of shape (n, *event), or a tuple of such tensors."""

    @abstractmethod
    def objective(self, y: Tree) -> Tensor:
        """f(theta, y), one value per instance: shape (n,). The inner player wants it high, theta low."""

    def meta_objective(self, y: Tree) -> Tensor | None:  # noqa: ARG002
        """What phi ascends at the last iterate, shape (n,); None, as here, if it is the objective itself."""
        return None

    def view(self, y: Tree) -> Tensor:
        """The iterate as the updater sees it, shape (n, *event): y itself, or a tuple's leaves side by side."""
        return ravel(y)

    def noise(self, y: Tree, draw: int = 0) -> Tree:  # noqa: ARG002
        """Uniform numbers in [0, 1) of the shape of y, from which a random start is made.

        Args:
            y: the inner variable.
            draw: the number of the start, if there are several; a problem with seeded numbers makes each different.
        """
        return map_leaves(torch.rand_like, y)

    def require_lengths(self, lengths: Mapping[str, float]) -> None:
        """Refuse steps of another unit than y's; whoever knows the unit overrides it. Takes all here.

        Args:
            lengths: of an inner optimizer's steps, see `InnerOptimizer.lengths`.
        """

    def started(self, y: Tree) -> None:
        """Hear of y_0 before the first step is taken from it, its random part included. Does nothing here."""

    def answered(self, y: Tree, gradient: Tree) -> None:
        """Hear of each gradient that an optimizer was given, at no pass of its own. Does nothing here.

        Args:
            y: where it was asked for.
            gradient: in the direction in which each leaf of y wants to move.
        """

    def remember(self, end: Iterate, gradient: Tree | None) -> None:
        """Keep what the next problem should start from; called at the end of each step. Keeps nothing here.

        Args:
            end: y_K and the optimizer's state there, detached.
            gradient: n d outer / d y_K; None unless `keeps_gradient` is True. If theta descends the mean objective,
                it is d objective / d y_K.
        """

    def initial_state(self) -> State:
        """The optimizer's state before its first step, such as moments kept from the last problem. None here."""
        return ()

    def signs_of(self, y: Tree) -> tuple[float, ...]:
        """The sign of each leaf of y; a ValueError if there are not as many as leaves."""
        count = len(leaves(y))
        signs = self.signs if isinstance(self.signs, tuple) else (self.signs,) * count
        if len(signs) != count:
            raise ValueError(f"the problem has {len(signs)} signs and {count} leaves; give one sign to each leaf.")
        if any(not isinstance(sign, int | float) or abs(sign) != 1 for sign in signs):
            given = f"the {type(self.signs).__name__} {self.signs}"
            raise ValueError(f"signs must be +1 or -1, got {given}; give one number, or a tuple of them.")
        return signs

    @cached_property
    def meter(self) -> Meter:
        """What counts the passes of this problem's queries; another can be set."""
        return Meter()

    def count(self, compute: Callable[[], Result], instances: int, *, theta: nn.Module | None) -> Result:
        """Compute something of this problem, its passes and the backward sweeps through it counted by the meter.

        Args:
            compute: returns a tensor, or a tuple with tensors in it.
            instances: n.
            theta: whose weights a sweep may reach; None if theta is a constant to `compute`.
        """
        return self.meter.count(self, compute, instances, theta=theta)

    @property
    def passes(self) -> Passes:
        """The passes that were made so far."""
        return self.meter.passes
