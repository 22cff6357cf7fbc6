"""A safeguard: an optimizer is followed as long as it gets on, and extragradient where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l.errors import require_count, require_fraction, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer, require_inner_optimizer
from minimax_l2l.optimizers.handover import step_of
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, choose, leaves, map_leaves, per_instance, ravel, rebuild, shifted

EXPLODED = 1000.0  # times the residual of before


class Safeguarded(InnerOptimizer):
    """Steps of another optimizer, instance by instance, and extragradient's once these do not get on.

    The residual is how far a gradient step moves y within the set, |project(y + step_size * g(y)) - y|. The base
    has a window of steps to bring it down to a share of what it was, and then another one. After a window in which
    it does not, y returns to where that window began, and all further steps are extragradient's. Where the residual
    is below sqrt(eps) times |y|, or times the first residual, there is nothing left to bring down, and the base is
    followed on. Eps is the distance of 1 from the next larger number of y's dtype.

    A step costs two gradients: two steps of the base, or one of extragradient. So where the base is of no use, it
    takes extragradient and a window more: at most 1.5 times its gradients wherever extragradient needs two windows.
    A base that gets on slowly, or for a while and then stops, may cost several times that. Where extragradient's
    step is too long, so that the residual grows a thousandfold or y overflows, the instance returns to where it
    left the base, and its step size is a quarter from then on. Where the field is zero and yet no player wants to
    stay, extragradient may stay. A base that leaves such points loses that by the safeguard if leaving takes longer
    than a window.

    Args:
        base: an optimizer that asks for one gradient per step, at its iterate, as a `LearnedOptimizer` does. Its
            start and its own K are not used.
        steps: K; None takes half of the base's number.
        step_size: of extragradient, to begin with.
        window: steps in which the base must get on, two of its own each.
        share: what of the residual may be left after a window.
        random_start: see `InnerOptimizer`.
    """

    def __init__(
        self,
        base: InnerOptimizer,
        *,
        steps: int | None = None,
        step_size: float = 0.1,
        window: int = 10,
        share: float = 0.5,
        random_start: float = 0.0,
    ) -> None:
        require_inner_optimizer("base", base)
        super().__init__(steps=(base.steps + 1) // 2 if steps is None else steps, random_start=random_start)
        self.base = base
        self.step_size = require_positive("step_size", step_size)
        self.window = require_count("window", window, least=1)
        self.share = require_fraction("share", share)
        self.second_order = base.second_order

    @property
    def lengths(self) -> Mapping[str, float]:
        """Those of the base."""
        return self.base.lengths

    def meta_optimizer(self) -> torch.optim.Optimizer:
        """The base's."""
        return self.base.meta_optimizer()

    def begin_step(self, remaining: int, y: Tree, state: State) -> tuple[Tree, State]:
        """As the base begins its own."""
        return self.base.begin_step(remaining, y, state)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """Two steps of the base where it is followed, one of extragradient elsewhere."""
        here = Point(y, gradient := oracle.gradient(y), self._residual(oracle, y, gradient))
        window, own = Window.of(state, y) if state else (Window.first(here, self.window, self.step_size), ())
        here, window = self._judged(here, window)
        ahead, own = self._moved(oracle, here.y, here.gradient, own, window, origin=here.y)
        after, own = self._moved(oracle, ahead, oracle.gradient(ahead), own, window, origin=here.y)
        overflows = (window.follows <= 0) & ~ravel(after).isfinite().flatten(1).all(dim=1)
        return choose(overflows, window.begun.y, after), (*window.shortened(overflows).parts(), *own)

    def _moved(
        self, oracle: Oracle, y: Tree, gradient: Tree, own: State, window: Window, *, origin: Tree
    ) -> tuple[Tree, State]:
        """The base's next step, or extragradient's half of one: along the gradient at y, from its origin."""
        moved, own = step_of(self.base, _Answered(oracle, y, gradient), y, own)
        pulled = map_leaves(lambda start, g: start + per_instance(window.step_size, g) * g, origin, gradient)
        return choose(window.follows > 0, moved, oracle.problem.constraint.project(pulled)), own

    def _residual(self, oracle: Oracle, y: Tree, gradient: Tree) -> Tensor:
        pulled = oracle.problem.constraint.project(shifted(y, self.step_size, gradient))
        length: Tensor = torch.linalg.vector_norm(ravel(map_leaves(torch.sub, pulled, y)).flatten(1), dim=1)
        return length

    def _judged(self, here: Point, window: Window) -> tuple[Point, Window]:
        """Where a window ends: another one from here, or back to where it began. Back also where play explodes."""
        over = (window.left <= 0) & (window.follows > 0)
        goal = torch.maximum(self.share * window.begun.residual, window.settled(here.y))
        got_on = here.residual <= goal  # which NaN is not
        here = window.begun.where(over & ~got_on, here)
        next_one = window._replace(
            begun=here, follows=got_on.to(window.follows), left=torch.full_like(window.left, self.window)
        )
        window = next_one.where(over, window)
        bound = EXPLODED * torch.maximum(window.begun.residual, window.initial)
        explodes = (window.follows <= 0) & ~(here.residual <= bound)
        window = window.shortened(explodes)
        return window.begun.where(explodes, here), window._replace(left=window.left - 1)


class Point(NamedTuple):
    """A point, and what is known there: the gradient, and the residual of shape (n,)."""

    y: Tree
    gradient: Tree
    residual: Tensor

    def where(self, mask: Tensor, other: Point) -> Point:
        """This one where `mask` of shape (n,) is true, the other one elsewhere."""
        return Point(
            choose(mask, self.y, other.y),
            choose(mask, self.gradient, other.gradient),
            torch.where(mask, self.residual, other.residual),
        )


class Window(NamedTuple):
    """Some steps with one of the two optimizers, instance by instance.

    Attributes:
        begun: where.
        follows: 1 where it is the base's, 0 where it is extragradient's, which has no end, shape (n,).
        left: how many steps are left, likewise.
        initial: the residual where play began, likewise.
        step_size: extragradient's, likewise.
    """

    begun: Point
    follows: Tensor
    left: Tensor
    initial: Tensor
    step_size: Tensor

    @classmethod
    def first(cls, here: Point, length: int, step_size: float) -> Window:
        """That of the base, to begin with."""
        ones = torch.ones_like(here.residual)
        return cls(here, ones, length * ones, here.residual, step_size * ones)

    @classmethod
    def of(cls, state: State, y: Tree) -> tuple[Window, State]:
        """The one that is kept in a state, and the rest of it."""
        count = len(leaves(y))
        point, gradient = (rebuild(y, state[5 + at : 5 + at + count]) for at in (0, count))
        return cls(Point(point, gradient, state[0]), *state[1:5]), state[5 + 2 * count :]

    def parts(self) -> State:
        """What is kept of it in a state."""
        begun = self.begun
        numbers = begun.residual, self.follows, self.left, self.initial, self.step_size
        return *numbers, *leaves(begun.y), *leaves(begun.gradient)

    def settled(self, y: Tree) -> Tensor:
        """The residual, shape (n,), at which half of the digits of y are settled."""
        length = torch.linalg.vector_norm(ravel(y).flatten(1), dim=1)
        share: float = torch.finfo(length.dtype).eps ** 0.5
        return share * torch.maximum(length, self.initial)

    def shortened(self, mask: Tensor) -> Window:
        """With a quarter of the step size where `mask` of shape (n,) is true."""
        return self._replace(step_size=torch.where(mask, self.step_size / 4, self.step_size))

    def where(self, mask: Tensor, other: Window) -> Window:
        """This one where `mask` of shape (n,) is true, the other one elsewhere."""
        return Window(
            self.begun.where(mask, other.begun),
            torch.where(mask, self.follows, other.follows),
            torch.where(mask, self.left, other.left),
            torch.where(mask, self.initial, other.initial),
            torch.where(mask, self.step_size, other.step_size),
        )


class _Answered(Oracle):
    """An oracle that has been asked already: the gradient at one point is known."""

    def __init__(self, oracle: Oracle, y: Tree, gradient: Tree) -> None:
        super().__init__(oracle.problem, second_order=oracle.second_order)
        self._known = y, gradient

    def gradient(self, y: Tree) -> Tree:
        """What is known, at the point where it is."""
        point, gradient = self._known
        return gradient if y is point else super().gradient(y)
