"""What the inner optimizer is worth: how far y_K lies above its start, how large it is, and whether it leaves C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode, querying
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, detach, largest, leaves, map_leaves, ravel, rebuild

Result = TypeVar("Result")
SIZE, GAIN, OUTSIDE, RESIDUAL = "inner_size", "inner_gain", "inner_violation", "inner_residual"
SHORT = 0.01  # length of the step whose rise is looked at, in units of y's largest entry


@torch.no_grad()
def measure(problem: InnerProblem, y: Tree) -> dict[str, Tensor]:
    """`inner_size`, max_j |y_j|, `inner_violation`, how far y_K lies outside C, and `inner_gain`.

    The gain is the mean of s (f(y_K) - f(y_0)), y_0 without a random start. f is the meta objective where there is
    one. Where leaves differ in sign, what one gains another loses. So there the gain is the mean of
    |F(y_0)| - |F(y_K)|, F the gradient in the direction in which each leaf wants to move, and `inner_residual` is
    the mean of |F(y_K)|. Both ends draw the same random numbers, such as a dropout's masks, and use none up. Costs
    two forwards, and two gradients where leaves differ in sign. They are not counted as passes.
    """
    y = detach(y)
    numbers = {SIZE: largest(y), OUTSIDE: problem.constraint.violation(y).amax()}
    signs = set(problem.signs_of(y))
    with _looking(problem):
        start = _drawn(y, lambda: detach(problem.constraint.project(problem.initial())))
        after = _drawn(y, lambda: problem.meta_objective(y))
        before = _drawn(y, lambda: problem.meta_objective(start))
        if after is not None and before is not None:
            numbers[GAIN] = (after - before).mean()
        elif len(signs) == 1:
            numbers[GAIN] = signs.pop() * (_value(problem, y) - _value(problem, start)).mean()
        else:
            at_start, numbers[RESIDUAL] = (ravel(_heading(problem, z)).norm(dim=1).mean() for z in (start, y))
            numbers[GAIN] = at_start - numbers[RESIDUAL]
    return numbers


@torch.no_grad()
def rise(problem: InnerProblem, y: Tree) -> Tensor:
    """What a leaf of y could gain by itself: the largest, over leaves, of the mean of s_i (f(y') - f(y)).

    In y' that leaf alone has moved, a short way along its gradient, and y' is in C. A y that does not move is where
    it should be if this is not above zero. Costs a gradient, and a forward for each leaf and one more. They are not
    counted as passes.
    """
    y = detach(y)
    with _looking(problem):
        here, parts, gains = _value(problem, y), leaves(y), []
        for i, (sign, heading) in enumerate(zip(problem.signs_of(y), leaves(_heading(problem, y)), strict=True)):
            moved = rebuild(y, [_shortly(part, heading) if i == j else part for j, part in enumerate(parts)])
            gains.append(sign * (_value(problem, problem.constraint.project(moved)) - here).mean())
        return torch.stack(gains).amax()


@contextmanager
def _looking(problem: InnerProblem) -> Iterator[None]:
    """Passes are not counted, and theta's modes are those of a query."""
    counted, problem.meter = problem.meter, Meter()
    mode: QueryMode = "train" if problem.query_mode == "tracked" else problem.query_mode
    try:
        with querying(problem.module, mode):
            yield
    finally:
        problem.meter = counted


def _drawn(y: Tree, compute: Callable[[], Result]) -> Result:
    """Compute from the random numbers that come next, which are not used up: what is compared draws the same."""
    devices = [leaf.device for leaf in leaves(y) if leaf.is_cuda]
    with torch.random.fork_rng(devices[:1]):
        return compute()


def _value(problem: InnerProblem, y: Tree) -> Tensor:
    return _drawn(y, lambda: problem.objective(y))


def _heading(problem: InnerProblem, y: Tree) -> Tree:
    """The gradient, in the direction in which each leaf wants to move."""
    with torch.enable_grad():
        point = map_leaves(lambda leaf: leaf.detach().requires_grad_(), y)
        slopes = torch.autograd.grad(_value(problem, point).sum(), leaves(point), materialize_grads=True)
    return rebuild(y, [sign * slope for sign, slope in zip(problem.signs_of(y), slopes, strict=True)])


def _shortly(leaf: Tensor, heading: Tensor) -> Tensor:
    """A leaf moved by a hundredth of its size, or by a hundredth where it is zero."""
    size, steepest = largest(leaf), largest(heading)
    length = SHORT * torch.where(size > 0, size, torch.ones_like(size))
    return leaf + length * heading / torch.where(steepest > 0, steepest, torch.ones_like(steepest))
