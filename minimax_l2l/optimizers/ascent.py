"""Hand-designed inner optimizers of the first order: gradient ascent, extragradient, FGSM, PGM."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from minimax_l2l.errors import require_count, require_fraction, require_positive
from minimax_l2l.iterate import Iterate, State
from minimax_l2l.optimizers.base import InnerOptimizer, Observer
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, choose, leaves, map_leaves, per_instance, rebuild, shifted


class GradientAscent(InnerOptimizer):
    """y_{k+1} = project(y_k + step_size * gradient).

    On the pair (x, y) of a game, with signs (-1, +1), this is simultaneous gradient descent-ascent. With
    `steps=0` it leaves the start alone: plain training.

    Args:
        steps: K.
        step_size: in units of y over units of the gradient.
        random_start: see `InnerOptimizer`.
    """

    def __init__(self, *, steps: int, step_size: float = 1.0, random_start: float = 0.0) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One projected gradient step."""
        return oracle.problem.constraint.project(shifted(y, self.step_size, oracle.gradient(y))), state


class AlternatingAscent(GradientAscent):
    """The leaves of y move one after the other, each seeing the moves before it.

    On the pair (x, y) of a game this is alternating gradient descent-ascent; a step asks for one gradient per leaf.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One round: each leaf in turn takes a projected gradient step."""
        for turn in range(len(leaves(y))):
            parts, moves = list(leaves(y)), leaves(oracle.gradient(y))
            parts[turn] = parts[turn] + self.step_size * moves[turn]
            y = oracle.problem.constraint.project(rebuild(y, parts))
        return y, state


class ExtraGradient(GradientAscent):
    """y' = project(y_k + step_size * g(y_k)), y_{k+1} = project(y_k + step_size * g(y')).

    On the pair (x, y) of a game with signs (-1, +1) it settles f = xy, on which gradient play leaves. A step costs
    two gradients. The arguments are those of `GradientAscent`.

    Source: Korpelevich, 1976.
    """

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """Look ahead, come back, step."""
        project = oracle.problem.constraint.project
        ahead = project(shifted(y, self.step_size, oracle.gradient(y)))
        return project(shifted(y, self.step_size, oracle.gradient(ahead))), state


class PGM(InnerOptimizer):
    """Projected gradient method: y_{k+1} = project(y_k + step_size * direction(m_{k+1})).

    The direction is the steepest ascent in the norm of the feasible set: sign(m) for an L_inf ball,
    m / ||m||_2 for an L2 ball. With momentum mu, m_{k+1} = mu m_k + g_k / mean|g_k| (Dong et al., 2018);
    with none, m_{k+1} = g_k (Madry et al., 2018).

    Args:
        steps: K.
        step_size: in units of y.
        random_start: see `InnerOptimizer`; adversarial training is usually started anywhere in the set.
        restarts: how many starts; each instance keeps the best of its last iterates.
        momentum: mu in [0, 1].
    """

    def __init__(
        self,
        *,
        steps: int,
        step_size: float,
        random_start: float = 1.0,
        restarts: int = 1,
        momentum: float = 0.0,
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.restarts = require_count("restarts", restarts, least=1)
        self.momentum = require_fraction("momentum", momentum)

    @property
    def lengths(self) -> Mapping[str, float]:
        """The step size, along a direction of length 1."""
        return {"step_size": self.step_size}

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step along the steepest direction."""
        gradient = oracle.gradient(y)
        if self.momentum:
            gradient = map_leaves(_over_mean_size, gradient)
            if state:
                require_state(self, state, leaves(gradient))
                gradient = shifted(gradient, self.momentum, rebuild(gradient, state))
            state = leaves(gradient)
        constraint = oracle.problem.constraint
        return constraint.project(shifted(y, self.step_size, constraint.direction(gradient))), state

    def maximize(
        self,
        problem: InnerProblem,
        *,
        start: Iterate | None = None,
        steps: int | None = None,
        observe: Observer | None = None,
    ) -> Iterate:
        """Take K steps from each start and keep each instance's best last iterate; `start` replaces the first."""
        best = super().maximize(problem, start=start, steps=steps, observe=observe)
        if self.restarts == 1:
            return best
        with self.oracle(problem) as oracle:
            highest = oracle.merit(oracle.value(best.y)).nan_to_num(nan=-torch.inf)
        for draw in range(1, self.restarts):
            again = Iterate(self.start(problem, draw), problem.initial_state())
            end = super().maximize(problem, start=again, steps=steps)
            with self.oracle(problem) as oracle:
                value = oracle.merit(oracle.value(end.y)).nan_to_num(nan=-torch.inf)
            better = value > highest
            best = Iterate(choose(better, end.y, best.y), leaves(choose(better, end.state, best.state)))
            highest = torch.maximum(value, highest)
        return best


class FGSM(PGM):
    """One step: y = project(y_0 + step_size * sign(gradient)) on an L_inf ball.

    From zero with a step of eps it is the fast gradient sign method (Goodfellow et al., 2015); from a random
    start with 1.25 eps it is the one of "Fast is better than free" (Wong et al., 2020). The arguments are those of
    `PGM`.
    """

    def __init__(self, *, step_size: float, random_start: float = 0.0) -> None:
        super().__init__(steps=1, step_size=step_size, random_start=random_start)


def _over_mean_size(gradient: Tensor) -> Tensor:
    size = gradient.reshape(gradient.shape[0], -1).abs().mean(1)
    return gradient / per_instance(size.clamp_min(torch.finfo(gradient.dtype).tiny), gradient)
