"""The learned inner optimizer: K unrolled steps of an updater network."""

from __future__ import annotations

import warnings
from typing import Literal

import torch
from torch import Tensor

from minimax_l2l.constraints.free import Free
from minimax_l2l.errors import (
    plain,
    require_a,
    require_count,
    require_flag,
    require_not_negative,
    require_positive,
    require_whole,
    told,
)
from minimax_l2l.features import Features, GradientFeatures, LogSignFeatures, root_mean_square
from minimax_l2l.iterate import STUCK, State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.guide import Guide
from minimax_l2l.optimizers.pretrained import PretrainedMixin
from minimax_l2l.optimizers.pull import measured_in, pulled, usual_unit
from minimax_l2l.oracle import Oracle
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import (
    Tree,
    detach,
    largest,
    leaves,
    map_leaves,
    per_instance,
    ravel,
    rebuild,
    shifted,
    unravel,
)
from minimax_l2l.updaters.base import Updater
from minimax_l2l.updaters.streaming import StreamingAdam

PULL = 0.05  # of the gradient on y, where a set may hold it back
# The longest move of a y that lives on, over K steps: in its own lengths; and in units of y, at least and at most,
# which are usual learning rates of Adam.
SHARE, LEAST, MOST = 0.02, 0.001, 0.01


class LearnedOptimizer(InnerOptimizer, PretrainedMixin):
    """y_{k+1} = project(y_k + step_size * squash(u_k)), u_k = updater(A(y_k, g_k); phi).

    A are the features, and g_k = d objective / d y at y_k. To phi, g_k is a constant; but phi also learns through
    y_k, which the updater sees in the next step, as in the paper's two-step attacker. All steps share phi.

    With nothing but an `MLPUpdater()` it is *guided*: it begins as a short step along the gradient, learns how long
    that should be, and the network's answers scale its entries, see `guided`.

    Args:
        updater: the network; its parameters are phi.
        steps: K. With a `CNNUpdater`, 1 is the paper's gradient attacker and 2 its two-step attacker.
        step_size: factor on the squashed update.
        features: what the updater sees, A; `IterateFeatures()` makes the paper's Naive attacker. None is
            `GradientFeatures()`; if guided, `LogSignFeatures(iterate=False)`, which does not depend on where the
            origin is; for an updater that is `unscaled`, `GradientFeatures("none")`.
        guided: let u_j = l g_j / (|g_j| + w) f_j, where l and w are learned numbers, 0.1 and 0.001 at first, and
            the updater's answers give factors f_j between 1/10 and 10. So each coordinate moves the way its
            gradient points; on a simplex g is the gradient less its mean. False lets u_k be the updater's answer,
            whatever its direction. None guides an updater that is made for it (`Updater.guided`), if `features` and
            `relative` are left out.
        random_start: see `InnerOptimizer`.
        detach_iterates: cut the path from phi to the iterates that the updater sees. Phi then learns through the
            sum of updates alone.
        truncate: let phi learn through this many steps only, the last ones. The earlier ones run without a graph,
            so memory does not grow with K. None takes all steps.
        second_order: let phi receive second derivatives through g_k. Theta stays a constant if it enters the
            objective through the `module` that the problem names. What was computed from theta before is not cut
            off; `minimax_l2l.testing.check_optimizer` finds such a case.
        relative: multiply each update by the gradient's root mean square. Then updates shrink near a solution, and
            do not depend on the objective's scale.
        squash: bound updates by the set, see `Constraint.squash`. None does, unless the updater is `unscaled`.
        projected_gradient: let features see (project(y + s g) - y) / s in place of g, with this s. It is g inside
            of the set, and zero at a solution on the boundary, where g need not be. None leaves g as it is, or is
            0.05 for an updater that is `unscaled`. For such a one f is measured in a unit in which the first
            gradient is neither short nor long, so that s g does not lead far out of the set.
        lazy: project the sum of all updates anew in each step, y_{k+1} = project(s_{k+1}) with s_{k+1} = s_k +
            step_size * squash(u_k) and s_0 = y_0, instead of going on from the projected y_k (Zinkevich, 2003). The
            sums are the last part of the state.
        max_relative_step: longest step, as a fraction of the iterate's own length |y_k|, instance by instance;
            longer steps are shortened. Meant for iterates that stay away from zero, such as weight vectors: an
            iterate at zero cannot move. None leaves steps as they are. `"auto"` bounds them where y lives on from
            problem to problem and its set does not bound updates: K steps then move it by at most 0.02 |y_k|. As a
            root mean square that limit is not below 0.001, so that y can leave zero, nor above 0.01.
        learning_rate: of phi's Adam; divided by fan-ins if the updater asks for it, see
            `Updater.parameter_groups`.
        weight_decay: of phi's Adam.
        clip_norm: largest norm of phi's gradient; longer gradients are scaled down to it. None leaves them.
        learns_every: phi takes a step on the first of so many batches. On the others it plays at rest and without a
            graph, as in evaluation, so that no pass goes back through it.
    """

    def __init__(
        self,
        updater: Updater,
        *,
        steps: int = 1,
        step_size: float = 1.0,
        features: Features | None = None,
        guided: bool | None = None,
        random_start: float = 0.0,
        detach_iterates: bool = False,
        truncate: int | None = None,
        second_order: bool = False,
        relative: bool = False,
        squash: bool | None = None,
        projected_gradient: float | None = None,
        lazy: bool = False,
        max_relative_step: float | Literal["auto"] | None = "auto",
        learning_rate: float = 1e-3,
        weight_decay: float = 2e-4,
        clip_norm: float | None = None,
        learns_every: int = 1,
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        advice = "pass CNNUpdater.slim(), RNNUpdater(), MLPUpdater() or an object of a subclass of Updater"
        require_whole("updater", require_a("updater", updater, Updater, "an Updater", advice))
        self.updater = updater
        self.step_size = require_positive("step_size", step_size)
        advice = "pass GradientFeatures() or an object of a subclass of Features"
        self.relative = require_flag("relative", relative)
        by_default = updater.guided and features is None and not relative
        self.guided = require_flag("guided", guided) if guided is not None else by_default
        self.guide = Guide() if self.guided else None
        features = _usual_features(updater, guided=self.guided) if features is None else features
        self.features = require_a("features", features, Features, "Features", advice)
        self.truncate = require_count("truncate", truncate, least=1) if truncate is not None else None
        self.detach_iterates = require_flag("detach_iterates", detach_iterates)
        self.second_order = require_flag("second_order", second_order)
        self.squash = require_flag("squash", squash) if squash is not None else None
        if projected_gradient is None and updater.unscaled:
            projected_gradient = PULL
        self.projected_gradient = (
            require_positive("projected_gradient", projected_gradient) if projected_gradient is not None else None
        )
        self.lazy = require_flag("lazy", lazy)
        self.max_relative_step = _require_bound(max_relative_step)
        self.learning_rate = require_positive("learning_rate", learning_rate)
        self.weight_decay = require_not_negative("weight_decay", weight_decay)
        self.clip_norm = require_positive("clip_norm", clip_norm) if clip_norm is not None else None
        self.learns_every = require_count("learns_every", learns_every, least=1)
        if updater.unscaled and getattr(self.features, "normalise", "none") != "none":
            raise ValueError(
                f"{type(updater).__name__} must see the gradient as it is, got {self.features}; pass "
                'GradientFeatures("none"), or leave features out.'
            )
        if self.guided and updater.unscaled:
            raise ValueError(f"{type(updater).__name__} says itself how far to go, got guided=True; leave it out.")
        if relative and not self.features.needs_gradient:
            raise ValueError("relative=True needs features that read the gradient; pass GradientFeatures().")

    def start(self, problem: InnerProblem, draw: int = 0) -> Tree:
        """As `InnerOptimizer.start`; warns if no step can lead away from there, unless a run watches."""
        y = super().start(problem, draw)
        if isinstance(self.max_relative_step, float) and not problem.watched and not largest(y).item():
            warnings.warn(STUCK, stacklevel=4)
        return y

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One learned step: query, features, updater, squash, project."""
        problem = oracle.problem
        answer, unit, state = self._gradient(oracle, y, state)
        gradient = ravel(answer) if answer is not None else None
        iterate = problem.view(y)
        if self.detach_iterates:
            iterate = iterate.detach()
        total, state = self._total(y, state)
        state = state or self.updater.begin(y, problem.signs_of(y))
        update, state = self._update(self.features(iterate, gradient), state, ravel(y))
        if self.guide is not None and gradient is not None:
            update = self.guide(gradient, update)
        if self.relative and gradient is not None:
            update = update * root_mean_square(gradient)
        bounded = unravel(update, y)
        if self.squash if self.squash is not None else not self.updater.unscaled:
            bounded = problem.constraint.squash(bounded)
        total = shifted(total, self.step_size, self._shortened(bounded, self._longest(problem, y)))
        state = (*unit, *state) if unit else state
        return problem.constraint.project(total), (*state, *leaves(total)) if self.lazy else state

    def _gradient(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree | None, State, State]:
        """The gradient, its part along the set, or what the set leaves of it; the unit of f; the rest of the state.

        The unit is the state's first part, of shape (n,), where f is measured in one. No gradient is asked for if
        nobody reads it.
        """
        if not (self.features.needs_gradient or self.guided):
            return None, (), state
        gradient, constraint = oracle.gradient(y), oracle.problem.constraint
        if self.guided:
            gradient = constraint.tangent(gradient)
        if self.projected_gradient is None or isinstance(constraint, Free):
            return gradient, (), state
        unit: State = ()
        if self.updater.unscaled:
            unit, state = (state[:1], state[1:]) if state else ((usual_unit(gradient).detach(),), ())
            gradient = measured_in(unit[0], gradient)
        return pulled(constraint, y, gradient, self.projected_gradient), unit, state

    def _total(self, y: Tree, state: State) -> tuple[Tree, State]:
        """What the next update is added to, and the updater's part of the state."""
        if not self.lazy or not state:
            return y, state
        count = len(leaves(y))
        return rebuild(y, state[-count:]), state[:-count]

    def _update(self, seen: Tensor, state: State, y: Tensor) -> tuple[Tensor, State]:
        """The updater's answer, computed in its own dtype and given in that of y."""
        own = next(self.updater.parameters(), seen).dtype
        answer = self.updater(seen.to(own), state)
        if not isinstance(answer, tuple) or len(answer) != 2 or not isinstance(answer[1], tuple):
            raise TypeError(
                f"{type(self.updater).__name__}.forward must return (update, state) with a tuple of tensors as "
                f"state, got {told(answer)}; return (update, ()) if it carries no state."
            )
        update, state = answer
        if update.shape != y.shape:
            raise ValueError(
                f"{type(self.updater).__name__}.forward returned an update of shape {tuple(update.shape)} for y of "
                f"shape {tuple(y.shape)}; return one number for each coordinate."
            )
        return update if own == seen.dtype else update.to(seen.dtype), state

    def _longest(self, problem: InnerProblem, y: Tree) -> Tensor | None:
        """The longest step, as a root mean square, shaped to broadcast over y; None if there is no bound."""
        if self.max_relative_step is None:
            return None
        if self.max_relative_step != "auto":
            return self.max_relative_step * root_mean_square(ravel(detach(y) if self.detach_iterates else y))
        if self.updater.unscaled or not problem.lives_on or problem.constraint.bounds_updates:
            return None
        return (SHARE * root_mean_square(ravel(detach(y)))).clamp(LEAST, MOST) / self.steps

    def _shortened(self, update: Tree, longest: Tensor | None) -> Tree:
        """The update where step_size times it is no longer than allowed, scaled down to that elsewhere."""
        if longest is None:
            return update
        size = self.step_size * root_mean_square(ravel(update))  # a ratio of lengths is one of root mean squares
        factor = torch.where(size > longest, longest / torch.where(size > longest, size, 1), 1).flatten()
        return map_leaves(lambda part: per_instance(factor, part) * part, update)

    def begin_step(self, remaining: int, y: Tree, state: State) -> tuple[Tree, State]:
        """Cut the graph until the steps begin that phi learns from."""
        if self.truncate is not None and remaining >= self.truncate:
            return detach(y), tuple(part.detach() for part in state)
        return y, state

    def meta_optimizer(self) -> torch.optim.Optimizer:
        """Phi's optimizer: Adam, ascending. This is the only place where phi's direction is stated."""
        groups = self.updater.parameter_groups(self.learning_rate)
        if self.guide is not None:
            groups.append(self.guide.parameter_group(self.learning_rate))
        grouped = {parameter for group in groups for parameter in group["params"]}
        if own := [parameter for parameter in self.parameters() if parameter not in grouped]:  # of a subclass
            groups.append({"params": own, "lr": self.learning_rate})
        if self.updater.streaming:
            return StreamingAdam(groups, weight_decay=self.weight_decay, maximize=True)
        return torch.optim.Adam(groups, weight_decay=self.weight_decay, maximize=True, fused=True)


def _require_bound(bound: float | Literal["auto"] | None) -> float | Literal["auto"] | None:
    """A `max_relative_step`."""
    if bound is None or (isinstance(bound, str) and bound == "auto"):
        return bound
    number = plain(bound)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(
            f'max_relative_step must be a positive number, "auto" or None, got {told(bound)}; pass a fraction such '
            'as 0.1, "auto" to bound the steps of a y that lives on, or None for no bound.'
        )
    return require_positive("max_relative_step", bound)


def _usual_features(updater: Updater, *, guided: bool) -> Features:
    """What the updater sees unless told otherwise."""
    if guided:
        return LogSignFeatures(iterate=False)
    return GradientFeatures("none" if updater.unscaled else "rms")
