"""What every inner optimizer owes its game."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from minimax_l2l.iterate import State
from minimax_l2l.meter import Meter
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.testing import probes
from minimax_l2l.testing.law import law, uphold
from minimax_l2l.trees import Tree, detach, instances, leaves, map_leaves, ravel, shifted


def check_optimizer(
    optimizer: InnerOptimizer,
    problem_factory: Callable[[], InnerProblem],
    *,
    seed: int = 0,
    tolerance: float = 1e-5,
) -> None:
    """y_0 ... y_K feasible, instance by instance, uphill, with a graph to phi alone, and every query counted.

    Args:
        optimizer: hand-designed or learned; copies of it are looked at.
        problem_factory: returns a fresh problem bound to a batch and theta, the same one each time; one that
            keeps its own contract, see `check_problem`.
        seed: of everything random.
        tolerance: largest relative difference that counts as rounding.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if `optimizer` is no optimizer or `problem_factory` no factory.
    """
    probes.require_kind("optimizer", optimizer, InnerOptimizer)
    probes.require_factory("problem_factory", problem_factory, InnerProblem)
    uphold(_Trial, lambda: _Trial(copy.deepcopy(optimizer), problem_factory, tolerance, seed), seed=seed)


@dataclass(frozen=True)
class _Trial:
    """A copy of an optimizer, and problems for it."""

    optimizer: InnerOptimizer
    problem_factory: Callable[[], InnerProblem]
    tolerance: float
    seed: int

    def maximize(self, problem: InnerProblem) -> Tree:
        """y_K, from the same random numbers each time."""
        with probes.seeded(self.seed):
            return self.optimizer.maximize(problem).y

    def walk(self, problem: InnerProblem) -> tuple[list[tuple[int, Tree]], Tree]:
        """What an observer is shown, and y_K."""
        seen: list[tuple[int, Tree]] = []
        return seen, self.optimizer.maximize(problem, observe=lambda k, y: seen.append((k, y))).y

    @law("take K steps and call observe(k, detach(y)) for each iterate, as InnerOptimizer.maximize does")
    def iterates_are_shown(self) -> Iterator[str]:
        """An optimizer of K steps shows its observer y_0 ... y_K."""
        shown = [k for k, _ in self.walk(self.problem_factory())[0]]
        steps = self.optimizer.steps
        if shown != list(range(steps + 1)):
            yield f"with K = {steps} it showed k = {shown}"

    @law("end each step, and begin the first, with oracle.problem.constraint.project(y)")
    def iterates_are_feasible(self) -> Iterator[str]:
        """Every iterate is feasible, the start included."""
        problem = self.problem_factory()
        constraint, (seen, last) = problem.constraint, self.walk(problem)
        for k, y in [*seen, (self.optimizer.steps, last)]:
            violation = probes.excess(constraint, y)
            if not violation <= self.tolerance:
                yield f"y_{k} violates {type(constraint).__name__} by {violation:.3g}"

    @law("leave out conversions, and put an optimizer with weights where the problem is")
    def result_is_like_the_start(self) -> Iterator[str]:
        """The result y_K has the shape, dtype and device of the start."""
        problem = self.problem_factory()
        return probes.unlike(self.maximize(problem), problem.initial())

    @law("draw random numbers from problem.noise alone, and keep nothing from run to run")
    def runs_repeat(self) -> Iterator[str]:
        """The same seed gives the same y_K to the bit."""
        first, second = (leaves(self.maximize(self.problem_factory())) for _ in range(2))
        if not probes.same_bits(first, second):
            yield "two runs from one seed differ"

    @law("ask oracle.value or oracle.gradient instead of calling problem.objective")
    def passes_are_counted(self) -> Iterator[str]:
        """Every query goes through the oracle's counter."""
        problem = self.problem_factory()
        problem.meter = Meter()
        with probes.passes_made(problem) as made:
            self.maximize(problem)
        if problem.passes != made:
            yield f"{problem.passes} were counted and {made} were made"

    @law("return the updater's state from step, and hand on what step returned from maximize")
    def state_is_carried(self) -> Iterator[str]:
        """The state that is returned is the one that is given next."""
        handed: dict[str, list[tuple[State, State]]] = {"step": [], "updater": []}
        step = self.optimizer.step

        def recorded(oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
            moved, after = step(oracle, y, state)
            handed["step"].append((state, after))
            return moved, after

        def heard(_: nn.Module, given: tuple[Any, ...], returned: tuple[Tensor, State]) -> None:
            handed["updater"].append((given[1], returned[1]))

        vars(self.optimizer)["step"] = recorded  # of this one copy
        updater = getattr(self.optimizer, "updater", None)
        if isinstance(updater, nn.Module):
            updater.register_forward_hook(heard)
        self.maximize(self.problem_factory())
        for who, states in handed.items():
            for k, ((_, returned), (given, _)) in enumerate(pairwise(states), start=1):
                same = len(given) == len(returned) and probes.same_bits(given, returned)
                if k % self.optimizer.steps and not same:
                    yield f"the state that one {who} returns is not what the next {who} is given at step {k}"

    @law("normalise, measure lengths and search along lines instance by instance")
    def instances_are_independent(self) -> Iterator[str]:
        """Instances are independent in eval mode: row i of y_K depends on row i of the start alone."""
        self.optimizer.eval()
        problem = self.problem_factory()
        start = detach(problem.initial())
        sample = problem.constraint.sample(map_leaves(torch.rand_like, start))
        other = problem.constraint.project(shifted(start, 0.1, sample))

        def ends(start: Tree) -> list[Tree]:
            problem = self.problem_factory()
            problem.query_mode = "eval"
            vars(problem)["initial"] = lambda: start
            return [self.maximize(problem)]

        for j, _, moved in probes.moved_along(start, other, ends, self.tolerance):
            yield f"starting instance {j} elsewhere moved instance {moved.instance} {moved.words}"

    @law("add what oracle.gradient(y) returns, which has the signs in it already, instead of subtracting it")
    def steps_ascend(self) -> Iterator[str]:
        """An optimizer without parameters ends no lower than it started where the objective is linear."""
        if next(self.optimizer.parameters(), None) is not None:  # where phi leads is for training to say
            return
        problem = self.problem_factory()
        initial = detach(problem.initial())
        # All slopes are +1 or -1: signs, unit vectors and Adam's ratios then point where the gradient does, and a
        # step along the gradient, projected on a convex set, never leads down.
        slope = map_leaves(lambda leaf: 2 * (torch.rand_like(leaf) < 0.5).to(leaf) - 1, initial)

        def height(y: Tree, signs: tuple[float, ...]) -> Tensor:
            rows = zip(signs, leaves(slope), leaves(y), strict=True)
            return torch.stack([(sign * c * part).reshape(len(c), -1).sum(1) for sign, c, part in rows]).sum(0)

        signs = problem.signs_of(initial)
        ones = (1.0,) * len(signs)
        vars(problem)["objective"] = lambda y: height(y, ones)
        vars(problem)["initial_state"] = lambda: ()  # moments of another objective would lead elsewhere
        seen, last = self.walk(problem)
        start = seen[0][1]
        size = ravel(start).abs().reshape(instances(last), -1).sum(1).clamp_min(1)
        fall = height(start, signs) - height(last, signs)
        if not bool((fall <= self.tolerance * size).all()):
            yield f"y_{self.optimizer.steps} is lower than y_0 by {float(fall.max()):.3g}"

    @law(
        "ask the oracle for gradients, detach what else is made from theta, and name the problem's `module` "
        "(computing theta's part inside objective) where second derivatives are asked for"
    )
    def result_is_detached_from_theta(self) -> Iterator[str]:
        """The result y_K carries no graph to theta."""
        problem = self.problem_factory()
        last = self.maximize(problem)
        with Oracle(problem), torch.enable_grad():
            theta = probes.graph_leaves(problem.objective(detach(last)))
        reached = {id(leaf) for leaf in probes.graph_leaves(last)}
        leaked = [tuple(leaf.shape) for leaf in theta if id(leaf) in reached]
        if leaked:
            yield f"a backward from it reaches tensors of theta of shapes {leaked[:3]}"

    def meta_gradients(self) -> dict[str, Tensor | None]:
        """The meta objective's gradient for each part of phi, by name; nothing where nothing is learned."""
        if not self.optimizer.learns or not self.optimizer.steps:
            return {}
        optimizer, problem = probes.stirred(self.optimizer), self.problem_factory()
        last = optimizer.maximize(problem).y
        with Oracle(problem), torch.enable_grad():
            meta = problem.meta_objective(last)
            value = (problem.objective(last) if meta is None else meta).mean()
        return probes.gradients(value, optimizer)

    @law("keep y_K's graph: nothing detached on the way from the updater to y_K, every parameter in use")
    def phi_is_reached(self) -> Iterator[str]:
        """The meta objective's gradient reaches all of phi through y_K."""
        if idle := [name for name, part in self.meta_gradients().items() if part is None]:
            yield f"it does not reach {', '.join(idle)}"

    @law("look for steps that are all clamped by the projection, and for roots and divisions at zero")
    def phi_is_moved(self) -> Iterator[str]:
        """Phi's gradient is finite and not zero."""
        sizes = [float(part.abs().max()) for part in self.meta_gradients().values() if part is not None]
        if sizes and not (all(map(math.isfinite, sizes)) and max(sizes) > 0):
            yield f"its largest entries are {sizes}"
