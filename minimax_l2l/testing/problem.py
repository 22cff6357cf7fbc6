"""What every inner problem owes its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode, resting
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.testing import probes
from minimax_l2l.testing.law import law, uphold
from minimax_l2l.trees import Tree, detach, instances, leaves, map_leaves, per_instance, ravel, rebuild, shifted


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
    probes.require_factory("problem_factory", problem_factory, InnerProblem)

    def trial() -> _Trial:
        problem = problem_factory()
        return _Trial(problem, _feasible(problem, spread), _feasible(problem, spread), tolerance, seed)

    uphold(_Trial, trial, seed=seed)


def _feasible(problem: InnerProblem, spread: float) -> Tree:
    initial = detach(problem.initial())
    sample = problem.constraint.sample(map_leaves(torch.rand_like, initial))
    return problem.constraint.project(shifted(initial, spread, sample))


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
        with probes.seeded(self.seed), Oracle(self.problem) as oracle:
            values, gradient = oracle.value_and_gradient(y)
            return values.detach(), gradient

    def outside(self, y: Tree) -> Iterator[str]:
        """By how much a point violates the constraint, if it does."""
        violation = probes.excess(self.problem.constraint, y)
        if not violation <= self.tolerance:
            yield f"one violates {type(self.problem.constraint).__name__} by {violation:.3g}"

    @law("detach it")
    def start_is_a_constant(self) -> Iterator[str]:
        """The start of the inner variable is a constant to both players."""
        if any(leaf.requires_grad for leaf in leaves(self.problem.initial())):
            yield "initial() returned a tensor that requires grad"

    @law("let the constraint's project return the nearest point of a set that is not empty")
    def start_is_feasible(self) -> Iterator[str]:
        """A projected start is feasible."""
        return self.outside(self.problem.constraint.project(self.problem.initial()))

    def projected(self) -> Tree:
        """A point from far away, projected."""
        return self.problem.constraint.project(map_leaves(lambda a: a + 3 * torch.randn_like(a), self.point))

    @law("let project return the nearest point of the set")
    def projection_is_feasible(self) -> Iterator[str]:
        """A projected point is feasible."""
        return self.outside(self.projected())

    @law("let project return the nearest point of the set")
    def projection_is_idempotent(self) -> Iterator[str]:
        """Projecting a feasible point leaves it where it is."""
        constraint, once = self.problem.constraint, self.projected()
        size = float(ravel(once).abs().max().clamp_min(1))
        moved = float((ravel(constraint.project(once)) - ravel(once)).abs().max()) / size
        if not moved <= self.tolerance:
            yield f"{type(constraint).__name__} moved one by {moved:.3g}"

    @law("change values in view, not shapes")
    def view_is_shaped_as_y(self) -> Iterator[str]:
        """view(y) has one entry for each entry of y."""
        wanted, got = ravel(self.point).shape, self.problem.view(self.point).shape
        if got != wanted:
            yield f"it has shape {tuple(got)} instead of {tuple(wanted)}"

    @law("draw it with torch.rand_like or minimax_l2l.randomness.uniform")
    def noise_is_shaped_as_y(self) -> Iterator[str]:
        """noise(y) is uniform in [0, 1) and shaped as y."""
        noise = self.problem.noise(self.point)
        for drawn, leaf in zip(leaves(noise), leaves(self.point), strict=True):
            within = bool(((drawn >= 0) & (drawn < 1)).all())
            if drawn.shape != leaf.shape or drawn.dtype != leaf.dtype or not within:
                yield f"it has shapes {[tuple(part.shape) for part in leaves(noise)]} or leaves the range"

    @law("say +1 for each leaf that ascends the objective and -1 for each that descends it")
    def signs_are_signs(self) -> Iterator[str]:
        """Signs are +1 or -1, one number or one a leaf."""
        signs, count = self.problem.signs, len(leaves(self.point))
        each = signs if isinstance(signs, tuple) else (signs,) * count
        if len(each) != count or any(abs(sign) != 1 for sign in each):
            yield f"they are {signs} for {count} leaves"

    def values(self) -> Tensor:
        """The objective at the point, as it comes."""
        with Oracle(self.problem):
            return self.problem.objective(self.point)

    @law('leave the instance dimension unreduced (for a loss: reduction="none")')
    def objective_has_one_value_an_instance(self) -> Iterator[str]:
        """objective(y) has one value an instance."""
        wanted, got = (instances(self.point),), tuple(self.values().shape)
        if got != wanted:
            yield f"it has shape {got} instead of {wanted}"

    @law("look for a division or logarithm that can meet zero, or for NaN in the batch")
    def objective_is_finite(self) -> Iterator[str]:
        """The objective is finite at feasible points."""
        values = self.values()
        if not bool(values.isfinite().all()):
            yield f"it was {values.tolist()}"

    @law("let initial() return y in the dtype and on the device that the objective computes in")
    def gradient_is_like_y(self) -> Iterator[str]:
        """The gradient has the shape, dtype and device of y."""
        return probes.unlike(self.query(self.point)[1], self.point)

    @law(
        "reduce nothing over the batch, and name theta's `module`, so that queries can put its BatchNorm into eval "
        "mode"
    )
    def instances_are_independent(self) -> Iterator[str]:
        """Instances are independent: entry i of the objective depends on entry i of y alone."""
        self.problem.query_mode = "eval"
        for j, which, moved in probes.moved_along(self.point, self.other, self.query, self.tolerance):
            name = ("objective", "gradient")[which]
            yield f"changing instance {j} moved the {name} of instance {moved.instance} {moved.words}"

    @law(
        "compute the objective from y by differentiable operations alone: nothing detached, rounded or with a "
        "backward of its own"
    )
    def signs_say_where_leaves_go(self) -> Iterator[str]:
        """A small step along a gradient raises the objective (lowers it for sign -1) at the rate of its square."""
        parts = leaves(self.point)
        values, gradient = self.query(self.point)
        for number, (sign, direction) in enumerate(
            zip(self.problem.signs_of(self.point), leaves(gradient), strict=True)
        ):
            lengths = direction.reshape(len(values), -1).norm(dim=1).to(values.dtype)

            def change(t: Tensor, number: int = number, direction: Tensor = direction) -> Tensor:
                step = per_instance(t, direction) * direction
                moved = [part + step if k == number else part for k, part in enumerate(parts)]
                return self.query(rebuild(self.point, moved))[0] - values

            size = parts[number].reshape(len(values), -1).norm(dim=1).clamp_min(1).to(values.dtype)
            longest = 0.1 * size / lengths.clamp_min(torch.finfo(values.dtype).tiny)
            right = probes.follows(change, sign * lengths.square(), size=values, longest=longest)
            if not bool(right.all()):
                wrong = torch.nonzero(~right).flatten().tolist()
                yield f"that of leaf {number}, whose sign is {sign:+.0f}, does not in instances {wrong}"

    @law("leave the counting to the oracle and keep the meter that was set")
    def queries_are_counted(self) -> Iterator[str]:
        """The passes of a value and of a gradient are counted as they are made."""
        self.problem.meter = Meter()
        with probes.passes_made(self.problem) as made, Oracle(self.problem) as oracle:
            oracle.value(self.point)
            oracle.gradient(self.point)
        if self.problem.passes != made:
            yield f"{self.problem.passes} were counted and {made} were made"

    @law(
        "inside objective(y), call nothing but the module: no train(), eval() or backward(), and no layer that "
        "keeps statistics of its own in training mode"
    )
    def queries_leave_no_trace(self) -> Iterator[str]:
        """A query leaves theta's module as it was."""
        module = self.problem.module
        if module is None:
            return
        modes: tuple[QueryMode, ...] = ("eval", "train") if instances(self.point) > 1 else ("eval",)
        for mode, second_order in product(modes, (False, True)):
            self.problem.query_mode = mode
            with resting(module):
                for number, part in enumerate(module.modules()):
                    part.training = number % 2 == 0  # so that restoring one mode for all is noticed
                before = probes.footprint(module)
                with Oracle(self.problem, second_order=second_order) as oracle:
                    oracle.value(self.point)
                    oracle.gradient(self.point)
                after = probes.footprint(module)
            if changed := [name for name, was in before.items() if not probes.same_bits(was, after[name])]:
                yield f"in {mode} mode it changed {' and '.join(changed)}"
