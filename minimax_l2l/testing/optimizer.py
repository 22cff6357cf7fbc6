"""What every inner optimizer owes its game."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from minimax_l2l.iterate import State
from minimax_l2l.meter import Meter
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.passes import Passes
from minimax_l2l.problem import InnerProblem
from minimax_l2l.testing.probes import (
    graph_leaves,
    moved_most,
    neighbours,
    require_factory,
    require_kind,
    same_bits,
    seeded,
    stirred,
    with_instance,
)
from minimax_l2l.testing.violation import require
from minimax_l2l.trees import Tree, detach, instances, leaves, map_leaves, ravel


@dataclass(frozen=True)
class _Trial:
    """A copy of an optimizer, and problems for it."""

    optimizer: InnerOptimizer
    problem_factory: Callable[[], InnerProblem]
    tolerance: float
    seed: int

    def maximize(self, problem: InnerProblem) -> Tree:
        """y_K, from the same random numbers each time."""
        with seeded(self.seed):
            return self.optimizer.maximize(problem).y


def check_optimizer(
    optimizer: InnerOptimizer,
    problem_factory: Callable[[], InnerProblem],
    *,
    seed: int = 0,
    tolerance: float = 1e-5,
) -> None:
    """y_0 ... y_K feasible, instance by instance, uphill, with a graph to phi alone, and every query counted.

    The optimizer itself is left as it is: copies are looked at.

    Args:
        optimizer: hand-designed or learned.
        problem_factory: returns a fresh problem bound to a batch and theta, the same one each time; one that
            keeps its own contract, see `check_problem`.
        seed: of everything random.
        tolerance: largest relative difference that counts as rounding.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if `optimizer` is no optimizer or `problem_factory` no factory.
    """
    require_kind("optimizer", optimizer, InnerOptimizer)
    require_factory("problem_factory", problem_factory, InnerProblem)
    for law in (
        _iterates_are_feasible,
        _result_is_like_the_start,
        _runs_repeat,
        _passes_are_counted,
        _state_is_carried,
        _instances_are_independent,
        _steps_ascend,
        _result_is_detached_from_theta,
        _phi_is_reached,
    ):
        with seeded(seed):
            law(_Trial(copy.deepcopy(optimizer), problem_factory, tolerance, seed))


def _iterates_are_feasible(trial: _Trial) -> None:
    problem, seen = trial.problem_factory(), []
    last = trial.optimizer.maximize(problem, observe=lambda k, y: seen.append((k, y))).y
    steps = trial.optimizer.steps
    require(
        [k for k, _ in seen] == list(range(steps + 1)),
        law=f"An optimizer of {steps} steps shows its observer y_0 ... y_{steps}",
        seen=f"it showed k = {[k for k, _ in seen]}",
        remedy="take K steps and call observe(k, detach(y)) for each iterate, as InnerOptimizer.maximize does",
    )
    for k, y in [*seen, (steps, last)]:
        size = ravel(y).detach().abs().max().clamp_min(1)
        violation = float((problem.constraint.violation(detach(y)) / size).max())
        require(
            violation <= trial.tolerance,
            law="Every iterate is feasible, the start included",
            seen=f"y_{k} violates {type(problem.constraint).__name__} by {violation:.3g}",
            remedy="end each step, and begin the first, with oracle.problem.constraint.project(y)",
        )


def _result_is_like_the_start(trial: _Trial) -> None:
    problem = trial.problem_factory()
    last = trial.maximize(problem)
    for leaf, part in zip(leaves(problem.initial()), leaves(last), strict=True):
        want = (tuple(leaf.shape), leaf.dtype, leaf.device)
        have = (tuple(part.shape), part.dtype, part.device)
        require(
            have == want,
            law=f"y_K has the shape, dtype and device of the start, {want}",
            seen=f"it has {have}",
            remedy="leave out conversions, and put an optimizer with weights where the problem is",
        )


def _runs_repeat(trial: _Trial) -> None:
    first, second = (trial.maximize(trial.problem_factory()) for _ in range(2))
    require(
        same_bits(leaves(first), leaves(second)),
        law="The same seed gives the same y_K to the bit",
        seen="two runs from one seed differ",
        remedy="draw random numbers from problem.noise alone, and keep nothing from run to run",
    )


def _passes_are_counted(trial: _Trial) -> None:
    problem, real = trial.problem_factory(), Passes()
    problem.meter = Meter()
    objective = problem.objective

    def metered(y: Tree) -> Tensor:
        real.add(forward=1)
        values = objective(y)
        if values.requires_grad:
            values.register_hook(lambda _: real.add(input_gradient=1))  # type: ignore[no-untyped-call]
        return values

    setattr(problem, "objective", metered)  # noqa: B010 - an attribute of this one problem shadows its method
    trial.maximize(problem)
    require(
        problem.passes == real,
        law="Every query goes through the oracle's counter",
        seen=f"{problem.passes} were counted and {real} were made",
        remedy="ask oracle.value or oracle.gradient instead of calling problem.objective",
    )


def _state_is_carried(trial: _Trial) -> None:
    optimizer = trial.optimizer
    steps: list[tuple[State, State]] = []
    step = optimizer.step

    def recorded(oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        moved, after = step(oracle, y, state)
        steps.append((state, after))
        return moved, after

    setattr(optimizer, "step", recorded)  # noqa: B010 - an attribute of this one copy shadows its method
    calls: list[tuple[State, State]] = []

    def heard(_: nn.Module, given: tuple[Any, ...], returned: tuple[Tensor, State]) -> None:
        calls.append((given[1], returned[1]))

    updater = getattr(optimizer, "updater", None)
    if isinstance(updater, nn.Module):
        updater.register_forward_hook(heard)
    trial.maximize(trial.problem_factory())
    for who, handed in (("step", steps), ("updater", calls)):
        lost = [
            k
            for k, ((_, returned), (given, _)) in enumerate(pairwise(handed), start=1)
            if k % optimizer.steps and not (len(given) == len(returned) and same_bits(given, returned))
        ]
        require(
            not lost,
            law=f"The state that one {who} returns is what the next {who} is given",
            seen=f"another state was given at step {lost[:1]}",
            remedy="return the updater's state from step, and hand on what step returned from maximize",
        )


def _instances_are_independent(trial: _Trial) -> None:
    trial.optimizer.eval()
    problem = trial.problem_factory()
    start = map_leaves(Tensor.detach, problem.initial())
    sample = problem.constraint.sample(map_leaves(torch.rand_like, start))
    other = problem.constraint.project(map_leaves(lambda a, b: a + 0.1 * b, start, sample))
    before = _maximize_from(trial, start)
    for j in neighbours(instances(start)):
        moved = moved_most(before, _maximize_from(trial, with_instance(start, j, other)), besides=j)
        require(
            moved.share <= trial.tolerance,
            law="Instances are independent in eval mode: row i of y_K depends on row i of the start alone",
            seen=f"starting instance {j} elsewhere moved instance {moved.instance} {moved.words}",
            remedy="normalise, measure lengths and search along lines instance by instance",
        )


def _maximize_from(trial: _Trial, start: Tree) -> Tree:
    problem = trial.problem_factory()
    problem.query_mode = "eval"
    setattr(problem, "initial", lambda: start)  # noqa: B010 - an attribute of this one problem shadows its method
    return detach(trial.maximize(problem))


def _steps_ascend(trial: _Trial) -> None:
    if next(trial.optimizer.parameters(), None) is not None:  # where phi leads is for training to say
        return
    problem, starts = trial.problem_factory(), []
    signs = problem.signs if isinstance(problem.signs, tuple) else (problem.signs,) * len(leaves(problem.initial()))
    # All slopes are +1 or -1: signs, unit vectors and Adam's ratios then point where the gradient does, and a step
    # along the gradient, projected on a convex set, never leads down.
    slope = map_leaves(lambda leaf: 2 * (torch.rand_like(leaf) < 0.5).to(leaf) - 1, detach(problem.initial()))

    def height(y: Tree, signs: tuple[float, ...]) -> Tensor:
        rows = zip(signs, leaves(slope), leaves(y), strict=True)
        return torch.stack([(sign * c * part).reshape(len(c), -1).sum(1) for sign, c, part in rows]).sum(0)

    ones = (1.0,) * len(signs)
    setattr(problem, "objective", lambda y: height(y, ones))  # noqa: B010 - these attributes shadow methods
    setattr(problem, "initial_state", lambda: ())  # noqa: B010 - moments of another objective lead elsewhere
    last = trial.optimizer.maximize(problem, observe=lambda k, y: starts.append(y) if k == 0 else None).y
    size = ravel(starts[0]).abs().reshape(instances(last), -1).sum(1).clamp_min(1)
    fall = height(starts[0], signs) - height(last, signs)
    require(
        bool((fall <= trial.tolerance * size).all()),
        law="An optimizer without parameters ends no lower than it started where the objective is linear",
        seen=f"y_{trial.optimizer.steps} is lower than y_0 by {float(fall.max()):.3g}",
        remedy="add what oracle.gradient(y) returns, which has the signs in it already, instead of subtracting it",
    )


def _result_is_detached_from_theta(trial: _Trial) -> None:
    problem = trial.problem_factory()
    last = trial.maximize(problem)
    with Oracle(problem), torch.enable_grad():
        theta = graph_leaves(problem.objective(detach(last)))
    reached = {id(leaf) for leaf in graph_leaves(last)}
    leaked = [tuple(leaf.shape) for leaf in theta if id(leaf) in reached]
    require(
        not leaked,
        law="y_K carries no graph to theta",
        seen=f"a backward from it reaches tensors of theta of shapes {leaked[:3]}",
        remedy="ask the oracle for gradients, detach what else is made from theta, and name the problem's `module` "
        "(computing theta's part inside objective) where second derivatives are asked for",
    )


def _phi_is_reached(trial: _Trial) -> None:
    if not trial.optimizer.learns or not trial.optimizer.steps:
        return
    optimizer = stirred(trial.optimizer)
    problem = trial.problem_factory()
    last = optimizer.maximize(problem).y
    with Oracle(problem), torch.enable_grad():
        meta = problem.meta_objective(last)
        value = (problem.objective(last) if meta is None else meta).mean()
    named = [(name, weight) for name, weight in optimizer.named_parameters() if weight.requires_grad]
    weights = [weight for _, weight in named]
    gradients = (
        torch.autograd.grad(value, weights, allow_unused=True) if value.requires_grad else (None,) * len(weights)
    )
    idle = [name for (name, _), part in zip(named, gradients, strict=True) if part is None]
    require(
        not idle,
        law="The meta objective's gradient reaches all of phi through y_K",
        seen=f"it does not reach {', '.join(idle)}",
        remedy="keep y_K's graph: nothing detached on the way from the updater to y_K, every parameter in use",
    )
    sizes = [float(part.abs().max()) for part in gradients if part is not None]
    require(
        all(torch.isfinite(part).all() for part in gradients if part is not None) and max(sizes) > 0,
        law="Phi's gradient is finite and not zero",
        seen=f"its largest entries are {sizes}",
        remedy="look for steps that are all clamped by the projection, and for roots and divisions at zero",
    )
