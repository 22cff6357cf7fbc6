"""Metered gradient queries: the one door through which an optimizer learns about its problem."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor

from minimax_l2l.errors import require_a, require_flag
from minimax_l2l.gradients import require_real, require_recording
from minimax_l2l.modes import querying
from minimax_l2l.problem import InnerProblem
from minimax_l2l.slope import Slope
from minimax_l2l.trees import Tree, instances, leaves, map_leaves, rebuild

CHANGED = "leaf Variable that requires grad is being used in an in-place operation"  # what torch says of it
ON_A_COPY = (
    "objective(y) changes the y that it is given in place, which the gradient needs as it was; write y = y + m in "
    "place of y += m, and y.clamp() in place of y.clamp_()."
)


class Oracle:
    """Values and gradients of a problem's objective, each counted; theta is a constant to all of them.

    A context: while it is open, theta's module is in the problem's query mode; afterwards its modes, flags,
    gradients and running statistics are what they were.

    Args:
        problem: what to ask about.
        second_order: keep the graph of the gradients, so that phi receives second derivatives.
    """

    def __init__(self, problem: InnerProblem, *, second_order: bool = False) -> None:
        self.problem = require_a(
            "problem", problem, InnerProblem, "an InnerProblem", "pass what is to be maximised"
        )
        self.second_order = require_flag("second_order", second_order)
        self._open = ExitStack()

    def __enter__(self) -> Oracle:
        problem = self.problem
        self._open.enter_context(querying(problem.module, problem.query_mode, graph=self.second_order))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @torch.no_grad()
    def value(self, y: Tree) -> Tensor:
        """Objective of each instance, shape (n,). Costs one forward pass."""
        return self._evaluate(y)

    def value_and_gradient(self, y: Tree) -> tuple[Tensor, Tree]:
        """Objective of each instance, and the direction in which each leaf of y wants to move.

        Costs one forward and one input-gradient pass. Weight gradients are never formed.

        Returns:
            Values of shape (n,) and a tree shaped as y: sign * d objective / d y.

        Raises:
            ValueError: if the objective has another shape than (n,), does not depend on y, or changes y in place;
                or within `torch.inference_mode()`.
        """
        _, values, gradient = self._differentiated(y, graph=self.second_order)
        return values, gradient

    def slope(self, y: Tree) -> Slope:
        """The gradient g at y, and products with its derivative J there.

        Costs one forward and one input-gradient pass, and each product one input-gradient pass more.

        Returns:
            What has g as `gradient`, and J v and J' v as `times(v)` and `transposed(v)` for a v shaped as y. They
            are constants and carry no graph.

        Raises:
            ValueError: as `value_and_gradient` does.
        """
        point, _, gradient = self._differentiated(y, graph=True)
        return Slope(point, gradient, self.problem.meter)

    def merit(self, values: Tensor) -> Tensor:
        """Values times their sign, as the inner variable ascends them; a ValueError where leaves differ in sign."""
        signs = self.problem.signs
        distinct = set(signs) if isinstance(signs, tuple) else {signs}
        if len(distinct) != 1:
            raise ValueError(
                f"this optimizer compares values, which needs one sign for the whole inner variable, got {signs}; "
                "play a game with GradientAscent, AlternatingAscent or a LearnedOptimizer."
            )
        return distinct.pop() * values

    def gradient(self, y: Tree) -> Tree:
        """The second half of `value_and_gradient`."""
        return self.value_and_gradient(y)[1]

    def _differentiated(self, y: Tree, *, graph: bool) -> tuple[Tree, Tensor, Tree]:
        """Where it was differentiated, the values there, and the gradient, with its graph if asked."""
        require_recording()
        with torch.enable_grad():
            point = map_leaves(self._differentiable, y)
            try:
                values = self._evaluate(point)
            except RuntimeError as error:
                if CHANGED in str(error):
                    raise ValueError(ON_A_COPY) from error
                raise
            if not values.requires_grad:
                raise ValueError(
                    "the objective does not depend on the inner variable, so it has no gradient; compute it "
                    "from the y that objective(y) is given, without detaching or .item()."
                )
            gradients = torch.autograd.grad(values.sum(), leaves(point), create_graph=graph, materialize_grads=True)
            signs = self.problem.signs_of(y)
            signed = [part if sign == 1 else sign * part for sign, part in zip(signs, gradients, strict=True)]
        gradient = rebuild(y, signed)
        self.problem.answered(y, gradient)
        return point, values, gradient

    def _differentiable(self, leaf: Tensor) -> Tensor:
        if self.second_order and leaf.requires_grad:
            return leaf
        return leaf.detach().requires_grad_()

    def _evaluate(self, y: Tree) -> Tensor:
        count, problem = instances(y), self.problem
        return require_objective(problem.count(lambda: problem.objective(y), count, theta=None), count)


def require_objective(values: object, count: int) -> Tensor:
    """What objective(y) returned.

    Raises:
        TypeError: if the values are complex.
        ValueError: if it is not one value for each of `count` instances.
    """
    got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
    if not isinstance(values, Tensor) or got != (count,):
        raise ValueError(
            f"objective(y) must return one value per instance, shape {(count,)}, got {got}; leave the instance "
            'dimension unreduced (for a loss: reduction="none").'
        )
    return require_real("objective(y)", values)
