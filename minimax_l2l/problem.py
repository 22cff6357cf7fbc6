"""The inner problem: max over y in C of f(theta, y), bound to one batch and one theta."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from minimax_l2l.constraints import Constraint, Free
from minimax_l2l.modes import QueryMode
from minimax_l2l.passes import Passes
from minimax_l2l.trees import Tree, map_leaves, ravel


class InnerProblem(ABC):
    """max over y in C of f(theta, y).

    A problem holds its batch and theta, so an optimizer needs nothing but the problem. Two methods make one:
    `initial` says where y starts, `objective` says what it ascends.

    Instances are independent: entry i of the objective depends on entry i of y only. That is what makes the
    gradient of one sum a batch of inner gradients. `minimax_l2l.testing.check_problem` checks it.

    Attributes:
        constraint: the feasible set C.
        signs: +1 where a leaf of y ascends the objective, -1 where it descends; one number, or one a leaf.
            This is the only place where the game's sign is stated.
        module: theta's module, whose modes gradient queries switch and restore; None if there is none.
        shares_forward: whether `meta_objective` reuses what the task's `outer_loss` has computed at the same y, so
            that one forward pass serves both where they are different numbers.
        query_mode: whether queries run the module in `"eval"` mode, or with the batch's statistics.
        final_state: the state that the last maximisation ended with, detached; `remember` may keep it.
    """

    constraint: Constraint = Free()
    signs: float | tuple[float, ...] = 1.0
    module: nn.Module | None = None
    shares_forward: bool = False
    query_mode: QueryMode = "eval"
    final_state: tuple[Tensor, ...] = ()
    _passes: Passes | None = None

    @abstractmethod
    def initial(self) -> Tree:
        """Where the inner variable starts: a tensor of shape (n, *event), or a tuple of such tensors."""

    @abstractmethod
    def objective(self, y: Tree) -> Tensor:
        """f(theta, y), one value an instance: shape (n,). The inner player wants it high, theta low."""

    def meta_objective(self, y: Tree) -> Tensor:
        """What phi ascends at the last iterate, shape (n,): the objective itself unless overridden."""
        return self.objective(y)

    def view(self, y: Tree) -> Tensor:
        """The iterate as the updater should see it, shape (n, *event): y itself, a tuple side by side."""
        return ravel(y)

    def noise(self, y: Tree, draw: int = 0) -> Tree:  # noqa: ARG002
        """Uniform numbers in [0, 1) shaped as y, from which a random start is made.

        Args:
            y: the inner variable.
            draw: which start of several; a problem whose numbers are seeded gives each draw its own.
        """
        return map_leaves(torch.rand_like, y)

    def remember(self, y: Tree) -> None:
        """Keep the last iterate, detached, if the next problem should start from it. Keeps nothing here."""

    def initial_state(self) -> tuple[Tensor, ...]:
        """The optimizer's state before its first step, such as moments remembered from last time: none here."""
        return ()

    @property
    def passes(self) -> Passes:
        """The counter that every gradient query of this problem adds to."""
        if self._passes is None:
            self._passes = Passes()
        return self._passes

    @passes.setter
    def passes(self, counter: Passes) -> None:
        self._passes = counter
