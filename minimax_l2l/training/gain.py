"""What the inner optimizer is worth: how far y_K lies above its start, how large it is, and whether it leaves C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode, querying
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, detach, largest, leaves, map_leaves, ravel, rebuild

SIZE, GAIN, OUTSIDE, RESIDUAL = "inner_size", "inner_gain", "inner_violation", "inner_residual"
SHORT = 0.01  # length of the step whose rise is looked at, in units of y's largest entry


@torch.no_grad()
def measure(problem: InnerProblem, y: Tree) -> dict[str, Tensor]:
    """`inner_size`, max_j |y_j|, `inner_violation`, how far y_K lies outside C, and `inner_gain`.

    The gain is the mean of s (f(y_K) - f(y_0)), y_0 without a random start. f is the meta objective where there is
    one. Where leaves differ in sign, what one gains another loses. So there the gain is the mean of
    |F(y_0)| - |F(y_K)|, F the gradient in the direction in which each leaf wants to move, and `inner_residual` is
    the mean of |F(y_K)|. Costs two forwards, and two gradients where leaves differ in sign. They are not counted as
    passes and leave random numbers as they are.
    """
    y = detach(y)
    numbers = {SIZE: largest(y), OUTSIDE: problem.constraint.violation(y).amax()}
    signs = set(problem.signs_of(y))
    with _looking(problem, y):
        after = problem.meta_objective(y)
        start = detach(problem.constraint.project(problem.initial()))
        if after is not None and (before := problem.meta_objective(start)) is not None:
            numbers[GAIN] = (after - before).mean()
        elif len(signs) == 1:
            numbers[GAIN] = signs.pop() * (problem.objective(y) - problem.objective(start)).mean()
        else:
            at_start, numbers[RESIDUAL] = (ravel(_heading(problem, z)).norm(dim=1).mean() for z in (start, y))
            numbers[GAIN] = at_start - numbers[RESIDUAL]
    return numbers


@torch.no_grad()
def rise(problem: InnerProblem, y: Tree) -> Tensor:
    """How much higher the objective is one short step up its gradient: the mean of s (f(y') - f(y)); y' is in C.

    A y that does not move is where it should be if this is not above zero. Costs two forwards and a gradient, which
    are not counted as passes. Leaves must agree in sign.
    """
    y = detach(y)
    with _looking(problem, y):
        ahead = problem.constraint.project(map_leaves(_shortly, y, _heading(problem, y)))
        return problem.signs_of(y)[0] * (problem.objective(ahead) - problem.objective(y)).mean()


@contextmanager
def _looking(problem: InnerProblem, y: Tree) -> Iterator[None]:
    """Passes are not counted, no random number is used up, and theta's modes are those of a query."""
    devices = [leaf.device for leaf in leaves(y) if leaf.is_cuda]
    counted, problem.meter = problem.meter, Meter()
    mode: QueryMode = "train" if problem.query_mode == "tracked" else problem.query_mode
    try:
        with torch.random.fork_rng(devices[:1]), querying(problem.module, mode):
            yield
    finally:
        problem.meter = counted


def _heading(problem: InnerProblem, y: Tree) -> Tree:
    """The gradient, in the direction in which each leaf wants to move."""
    with torch.enable_grad():
        point = map_leaves(lambda leaf: leaf.detach().requires_grad_(), y)
        slopes = torch.autograd.grad(problem.objective(point).sum(), leaves(point), materialize_grads=True)
    return rebuild(y, [sign * slope for sign, slope in zip(problem.signs_of(y), slopes, strict=True)])


def _shortly(leaf: Tensor, heading: Tensor) -> Tensor:
    """A leaf moved by a hundredth of its size, or by a hundredth where it is zero."""
    size, steepest = largest(leaf), largest(heading)
    length = SHORT * torch.where(size > 0, size, torch.ones_like(size))
    return leaf + length * heading / torch.where(steepest > 0, steepest, torch.ones_like(steepest))
