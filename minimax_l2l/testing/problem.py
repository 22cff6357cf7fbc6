"""What every inner problem owes its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from minimax_l2l.meter import Meter
from minimax_l2l.oracle import Oracle
from minimax_l2l.passes import Passes
from minimax_l2l.problem import InnerProblem
from minimax_l2l.testing.probes import (
    Footprint,
    follows,
    moved_most,
    neighbours,
    require_factory,
    seeded,
    with_instance,
)
from minimax_l2l.testing.violation import require
from minimax_l2l.trees import Tree, instances, leaves, map_leaves, per_instance, ravel, rebuild


@dataclass(frozen=True)
class _Trial:
    """A problem and two feasible points of it."""

    problem: InnerProblem
    point: Tree
    other: Tree
    tolerance: float
    seed: int

    def query(self, y: Tree) -> tuple[Tensor, Tree]:
        """Values and gradients, from the same random numbers each time."""
        with seeded(self.seed), Oracle(self.problem) as oracle:
            values, gradient = oracle.value_and_gradient(y)
            return values.detach(), gradient

    def signs(self) -> tuple[float, ...]:
        """One sign a leaf, if the problem says so."""
        signs = self.problem.signs
        return signs if isinstance(signs, tuple) else (signs,) * len(leaves(self.point))

    def violation(self, y: Tree) -> float:
        """The largest violation, relative to the largest entry where that is above one."""
        size = ravel(y).abs().max().clamp_min(1)
        return float((self.problem.constraint.violation(y) / size).max())


def check_problem(
    problem_factory: Callable[[], InnerProblem], *, seed: int = 0, tolerance: float = 1e-5, spread: float = 0.1
) -> None:
    """f(theta, y) of shape (n,), entry i depending on y_i alone, and queries that leave theta as it was.

    Args:
        problem_factory: returns a fresh problem bound to a batch and theta, the same one each time. Two instances
            at least are needed to see whether they are independent.
        seed: of the points that are looked at.
        tolerance: largest relative difference that counts as rounding.
        spread: how far points are moved from the start towards random feasible ones.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if `problem_factory` is no factory.
    """
    require_factory("problem_factory", problem_factory, InnerProblem)
    for law in (
        _start_is_a_constant,
        _start_is_feasible,
        _projection_is_idempotent,
        _view_and_noise_are_shaped_as_y,
        _signs_are_signs,
        _objective_has_one_value_an_instance,
        _gradient_is_like_y,
        _instances_are_independent,
        _signs_say_where_leaves_go,
        _queries_are_counted,
        _queries_leave_no_trace,
    ):
        with seeded(seed):
            problem = problem_factory()
            point, other = _feasible(problem, spread), _feasible(problem, spread)
            law(_Trial(problem, point, other, tolerance, seed))


def _feasible(problem: InnerProblem, spread: float) -> Tree:
    initial = map_leaves(Tensor.detach, problem.initial())
    sample = problem.constraint.sample(map_leaves(torch.rand_like, initial))
    return problem.constraint.project(map_leaves(lambda a, b: a + spread * b, initial, sample))


def _start_is_a_constant(trial: _Trial) -> None:
    require(
        not any(leaf.requires_grad for leaf in leaves(trial.problem.initial())),
        law="The start of the inner variable is a constant to both players",
        seen="initial() returned a tensor that requires grad",
        remedy="detach it",
    )


def _start_is_feasible(trial: _Trial) -> None:
    violation = trial.violation(trial.problem.constraint.project(trial.problem.initial()))
    require(
        violation <= trial.tolerance,
        law="A projected start is feasible",
        seen=f"it violates {type(trial.problem.constraint).__name__} by {violation:.3g}",
        remedy="let the constraint's project return the nearest point of a set that is not empty",
    )


def _projection_is_idempotent(trial: _Trial) -> None:
    constraint = trial.problem.constraint
    far = map_leaves(lambda a: a + 3 * torch.randn_like(a), trial.point)
    once = constraint.project(far)
    violation = trial.violation(once)
    require(
        violation <= trial.tolerance,
        law="A projected point is feasible",
        seen=f"one violates {type(constraint).__name__} by {violation:.3g}",
        remedy="let project return the nearest point of the set",
    )
    size = float(ravel(once).abs().max().clamp_min(1))
    moved = float((ravel(constraint.project(once)) - ravel(once)).abs().max()) / size
    require(
        moved <= trial.tolerance,
        law="Projecting a feasible point leaves it where it is",
        seen=f"{type(constraint).__name__} moved one by {moved:.3g}",
        remedy="let project return the nearest point of the set",
    )


def _view_and_noise_are_shaped_as_y(trial: _Trial) -> None:
    wanted = tuple(ravel(trial.point).shape)
    got = tuple(trial.problem.view(trial.point).shape)
    require(
        got == wanted,
        law=f"view(y) has one entry for each entry of y, shape {wanted}",
        seen=f"it has shape {got}",
        remedy="change values in view, not shapes",
    )
    noise = trial.problem.noise(trial.point)
    require(
        all(
            a.shape == b.shape and a.dtype == b.dtype and bool(((a >= 0) & (a < 1)).all())
            for a, b in zip(leaves(noise), leaves(trial.point), strict=True)
        ),
        law="noise(y) is uniform in [0, 1) and shaped as y",
        seen=f"it has shapes {[tuple(leaf.shape) for leaf in leaves(noise)]} or leaves the range",
        remedy="draw it with torch.rand_like or minimax_l2l.randomness.uniform",
    )


def _signs_are_signs(trial: _Trial) -> None:
    signs = trial.signs()
    require(
        len(signs) == len(leaves(trial.point)) and all(abs(sign) == 1 for sign in signs),
        law="signs are +1 or -1, one number or one a leaf",
        seen=f"they are {trial.problem.signs} for {len(leaves(trial.point))} leaves",
        remedy="say +1 for each leaf that ascends the objective and -1 for each that descends it",
    )


def _objective_has_one_value_an_instance(trial: _Trial) -> None:
    with Oracle(trial.problem):
        values = trial.problem.objective(trial.point)
    wanted = (instances(trial.point),)
    require(
        tuple(values.shape) == wanted,
        law=f"objective(y) has one value an instance, shape {wanted}",
        seen=f"it has shape {tuple(values.shape)}",
        remedy='leave the instance dimension unreduced (for a loss: reduction="none")',
    )
    require(
        bool(values.isfinite().all()),
        law="The objective is finite at feasible points",
        seen=f"it was {values.tolist()}",
        remedy="look for a division or logarithm that can meet zero, or for NaN in the batch",
    )


def _gradient_is_like_y(trial: _Trial) -> None:
    _, gradient = trial.query(trial.point)
    for leaf, part in zip(leaves(trial.point), leaves(gradient), strict=True):
        have = (tuple(part.shape), part.dtype, part.device)
        want = (tuple(leaf.shape), leaf.dtype, leaf.device)
        require(
            have == want,
            law=f"The gradient has the shape, dtype and device of y, {want}",
            seen=f"it has {have}",
            remedy="let initial() return y in the dtype and on the device that the objective computes in",
        )


def _instances_are_independent(trial: _Trial) -> None:
    trial.problem.query_mode = "eval"
    values, gradient = trial.query(trial.point)
    for j in neighbours(instances(trial.point)):
        there = trial.query(with_instance(trial.point, j, trial.other))
        for name, before, after in (("objective", values, there[0]), ("gradient", gradient, there[1])):
            moved = moved_most(before, after, besides=j)
            require(
                moved.share <= trial.tolerance,
                law="Instances are independent: entry i of the objective depends on entry i of y alone",
                seen=f"changing instance {j} moved the {name} of instance {moved.instance} {moved.words}",
                remedy="reduce nothing over the batch, and name theta's `module`, so that queries can put its "
                "BatchNorm into eval mode",
            )


def _signs_say_where_leaves_go(trial: _Trial) -> None:
    parts = leaves(trial.point)
    values, gradient = trial.query(trial.point)
    for number, sign in enumerate(trial.signs()):
        direction = leaves(gradient)[number]
        lengths = direction.reshape(len(values), -1).norm(dim=1).to(values.dtype)

        def change(t: Tensor, number: int = number, direction: Tensor = direction) -> Tensor:
            step = per_instance(t, direction) * direction
            moved = [part + step if k == number else part for k, part in enumerate(parts)]
            return trial.query(rebuild(trial.point, moved))[0] - values

        size = parts[number].reshape(len(values), -1).norm(dim=1).clamp_min(1).to(values.dtype)
        longest = 0.1 * size / lengths.clamp_min(torch.finfo(values.dtype).tiny)
        right = follows(change, sign * lengths.square(), size=values, longest=longest)
        require(
            bool(right.all()),
            law=f"A small step along the oracle's gradient {'raises' if sign == 1 else 'lowers'} the objective as "
            f"the sign {sign:+.0f} of leaf {number} says, at the rate of the squared gradient",
            seen=f"it does not in instances {torch.nonzero(~right).flatten().tolist()}",
            remedy="compute the objective from y by differentiable operations alone: nothing detached, rounded or "
            "with a backward of its own",
        )


def _queries_are_counted(trial: _Trial) -> None:
    trial.problem.meter = Meter()
    with Oracle(trial.problem) as oracle:
        oracle.value(trial.point)
        after_value = Passes(**vars(trial.problem.passes))
        oracle.gradient(trial.point)
    counted = trial.problem.passes
    require(
        after_value == Passes(forward=1) and counted == Passes(forward=2, input_gradient=1),
        law="A value costs one forward pass, a gradient one forward and one input-gradient pass",
        seen=f"a value counted {after_value} and both counted {counted}",
        remedy="leave the counting to the oracle and keep the meter that was set",
    )


def _queries_leave_no_trace(trial: _Trial) -> None:
    module = trial.problem.module
    modes: tuple[Literal["eval", "train"], ...] = ("eval", "train") if instances(trial.point) > 1 else ("eval",)
    for mode in modes:
        for second_order in (False, True):
            trial.problem.query_mode = mode
            with _uneven_modes(module):
                before = Footprint(module)
                with Oracle(trial.problem, second_order=second_order) as oracle:
                    oracle.value(trial.point)
                    oracle.gradient(trial.point)
                changed = before.differences(Footprint(module))
            require(
                not changed,
                law=f"A query in {mode} mode leaves theta's module as it was",
                seen=f"it changed {' and '.join(changed)}",
                remedy="inside objective(y), call nothing but the module: no train(), eval() or backward(), and no "
                "layer that keeps statistics of its own in training mode",
            )


@contextmanager
def _uneven_modes(module: nn.Module | None) -> Iterator[None]:
    """Every second part of the module in training mode, so that restoring one mode for all is noticed."""
    parts = [] if module is None else list(module.modules())
    before = [part.training for part in parts]
    for number, part in enumerate(parts):
        part.training = number % 2 == 0
    try:
        yield
    finally:
        for part, was in zip(parts, before, strict=True):
            part.training = was
