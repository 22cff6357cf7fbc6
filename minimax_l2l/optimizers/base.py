"""The interface that hand-designed and learned inner optimizers share: K steps on an inner problem."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from minimax_l2l.arguments import settings
from minimax_l2l.constraints.base import Constraint
from minimax_l2l.errors import (
    NonFiniteError,
    require_a,
    require_count,
    require_fraction,
    require_function,
    require_whole,
)
from minimax_l2l.gradients import require_values
from minimax_l2l.iterate import Iterate, State, explosion, is_kept
from minimax_l2l.optimizers.handover import require_finite_start, require_like_start, require_tensors, step_of
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, detach, largest, leaves, map_leaves, require_inner, shifted
from minimax_l2l.updaters.base import Updater

Observer = Callable[[int, Tree], None]


class InnerOptimizer(nn.Module, ABC):
    """y_0, y_1, ..., y_K: how an inner problem is maximised.

    Hyper-parameters live in the object; everything that moves (the iterate, the state) is passed in and
    returned. Hand-designed optimizers have no parameters; a learned one's parameters are phi.

    Args:
        steps: K, how many steps `maximize` takes; 0 returns the start.
        random_start: how far the start is moved towards a random feasible point: y_0 = project(initial +
            random_start * sample); 0 starts at `initial`, 1 anywhere in the set.
    """

    second_order: bool = False  # whether gradients keep their graph, so that phi receives second derivatives

    def __init__(self, *, steps: int, random_start: float = 0.0) -> None:
        super().__init__()
        self.steps = require_count("steps", steps)
        self.random_start = require_fraction("random_start", random_start)

    def extra_repr(self) -> str:
        """How it was built."""
        return settings(self)

    @property
    def learns(self) -> bool:
        """Whether there is a phi to train."""
        return any(parameter.requires_grad for parameter in self.parameters())

    @property
    def lengths(self) -> Mapping[str, float]:
        """How far one step may go, in units of y, by the argument that says so; none where nothing says it."""
        return {}

    def meta_optimizer(self) -> torch.optim.Optimizer:
        """Phi's optimizer, which ascends: asked for if there are parameters to train; a TypeError as it is."""
        raise TypeError(
            f"{type(self).__name__} has parameters but no meta_optimizer to train them; subclass LearnedOptimizer, "
            "override meta_optimizer with a torch optimizer that has maximize=True, or freeze the parameters."
        )

    @abstractmethod
    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step from y: query the oracle, move, project.

        Args:
            oracle: answers and counts gradient queries; `oracle.problem` is the problem.
            y: the iterate.
            state: what the last step returned; at the first, the problem's `initial_state()`, `()` as a rule.

        Returns:
            The next iterate, feasible, and the next state.
        """

    def begin_step(self, remaining: int, y: Tree, state: State) -> tuple[Tree, State]:  # noqa: ARG002
        """What a step starts from while so many remain, itself included: where the last one ended, as a rule."""
        return y, state

    def start(self, problem: InnerProblem, draw: int = 0) -> Tree:
        """y_0: the problem's initial point, moved at random if asked; `draw` tells several starts apart.

        Where that point is a Parameter, y_0 has its values: nobody learns through a start.
        """
        initial = detach(require_inner(problem.initial()))
        if self.random_start == 0:
            return problem.constraint.project(initial)
        sample = problem.constraint.sample(problem.noise(initial, draw))
        return problem.constraint.project(shifted(initial, self.random_start, sample))

    def oracle(self, problem: InnerProblem) -> Oracle:
        """The oracle that this optimizer's queries go through."""
        return Oracle(problem, second_order=self.second_order)

    def maximize(
        self,
        problem: InnerProblem,
        *,
        start: Iterate | None = None,
        steps: int | None = None,
        observe: Observer | None = None,
    ) -> Iterate:
        """Take K steps on a problem.

        Args:
            problem: max over y in C of its objective.
            start: where to go on from; None starts at `start(problem)` with the problem's initial state. A tensor
                that requires a gradient itself, such as a Parameter, gives its values. A state of the form of its
                own is taken for its own.
            steps: K for this call; None takes the optimizer's own.
            observe: called with (k, y_k), detached, for k = 0 ... K.

        Returns:
            y_K and the state there. They carry a graph to phi if the optimizer learns, and to nothing else.

        Raises:
            NonFiniteError: if y_K is NaN or infinite somewhere, unless the problem is `watched`.
        """
        require_whole("the inner optimizer", self)
        count = self.steps if steps is None else require_count("steps", steps)
        if observe is not None:
            require_function("observe", observe, "(k, y_k)", "pass one, or None")
        with self.oracle(problem) as oracle:
            y, state = self._begin(problem, start)
            problem.require_lengths(self.lengths)
            problem.started(detach(y))
            first = largest(y)
            if problem.watched:
                problem.start_size = first
            for k in range(count):
                if observe is not None:
                    observe(k, detach(y))
                y, state = step_of(self, oracle, *self.begin_step(count - k, y, state), first=k == 0)
            if observe is not None:
                observe(count, detach(y))
        if not problem.watched:
            _require_finite(y, first)
            words = explosion(first.item(), largest(y).item())
            if words is not None and not is_kept(problem.constraint.project, y):
                warnings.warn(words, stacklevel=2)
        return Iterate(y, state)

    def _begin(self, problem: InnerProblem, start: Iterate | None) -> Iterate:
        """Where to go on from, or the problem's own start; on this optimizer's device."""
        advice = "pass a set such as LinfBall(0.1), or Free()"
        require_a("constraint", problem.constraint, Constraint, "a set", advice)
        given = start is not None
        if start is None:
            start = Iterate(self.start(problem), problem.initial_state())
        else:
            require_a("start", start, Iterate, "an Iterate", "pass Iterate(y) or what maximize returned")
            require_inner(start.y)
            require_like_start(problem, start.y)
            start = start._replace(y=map_leaves(lambda leaf: leaf.detach() if leaf.is_leaf else leaf, start.y))
        require_tensors("start.state or what initial_state() returns", start.state)
        if given and not problem.watched:
            require_finite_start(start)
        own, here = next(self.parameters(), None), leaves(start.y)[0].device
        if own is not None and own.device != here:
            require_values(type(self).__name__, self)
            raise ValueError(
                f"y starts on {here} and {type(self).__name__} is on {own.device}; move one of them with .to(...)."
            )
        return start


def require_inner_optimizer(name: str, optimizer: object) -> InnerOptimizer:
    """Refuse what maximises nothing.

    Raises:
        TypeError: if it is no inner optimizer; what to pass instead is said.
    """
    need = "an inner optimizer, such as PGM(...) or a LearnedOptimizer"
    require_a(name, optimizer, InnerOptimizer, need, _towards_optimizer(optimizer))
    assert isinstance(optimizer, InnerOptimizer)
    require_whole("the inner optimizer", optimizer)
    return optimizer


def _towards_optimizer(given: object) -> str:
    kind = type(given).__name__
    for holder in ("optimizer", "phi"):  # of an attack, of a solution
        if not isinstance(given, type) and isinstance(getattr(given, holder, None), InnerOptimizer):
            return f"pass the one that it has, {kind.lower()}.{holder}"
    if isinstance(given, Updater):
        return f"pass LearnedOptimizer({kind}(...), steps=2), say: an updater alone takes no steps"
    if isinstance(given, type):
        return f"pass an object of it, made by {given.__name__}(...)"
    if isinstance(given, torch.optim.Optimizer):
        return f"torch's {kind} moves weights; pass minimax_l2l.Adam(lr=0.01) or GradientAscent(...), say"
    if isinstance(given, str | Path):
        return f"pass LearnedOptimizer.from_pretrained({str(given)!r}) if it was saved there"
    return "pass PGM(steps=10, step_size=0.01), say, or an object of your own subclass of InnerOptimizer"


def _require_finite(y: Tree, first: Tensor) -> None:
    lost = torch.stack([~leaf.detach().isfinite().flatten(1).all(1) for leaf in leaves(y)]).any(0)
    if not lost.any():
        return
    told = f"{int(lost.sum())} of {len(lost)} instances ended at NaN or infinity"
    if not first.isfinite():
        raise NonFiniteError(f"{told}, since y starts there; let initial() return finite numbers.")
    raise NonFiniteError(
        f"{told}; lower the step size if there is one, give the problem a set in which its objective is finite, or "
        "look for a division, root or logarithm in the objective that can meet zero."
    )
