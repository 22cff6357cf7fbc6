"""What a run costs, measured where it happens: hooks on theta's module count samples over instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.jit import ScriptModule
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from minimax_l2l.passes import Passes
from minimax_l2l.trees import Tree

Result = TypeVar("Result")


class Meter:
    """Counts passes as they are made, whoever makes them and for whatever number.

    A forward of m samples while n instances are played is m / n passes; each backward sweep through its activations
    is as many input-gradient passes and, if the sweep goes on to theta, as many weight-gradient passes. What is
    counted is theta's module; of a problem that names none, the objective. `passes` holds the counts so far.
    """

    def __init__(self) -> None:
        self.passes = Passes()
        self._counting: object = None  # whose forwards are being counted
        self._inputs_only = False
        self._unsettled = 0.0  # of the present sweep: passes that may go on to theta
        self._witnesses: list[RemovableHandle] = []

    def count(
        self, problem: Any, compute: Callable[[], Result], instances: int, *, theta: nn.Module | None
    ) -> Result:
        """Compute something of a problem, and count its passes; see `InnerProblem.count`.

        Backward sweeps are counted whenever they are made, now or later.
        """
        counted: object = problem if problem.module is None else problem.module
        if self._counting is counted:
            return compute()
        reaches = theta is not None
        if theta is not None:
            self._call_witnesses(theta)
        outside, self._counting = self._counting, counted
        before = self.passes.forward
        try:
            with self._watching(problem, instances, reaches=reaches):
                result = compute()
        finally:
            self._counting = outside
        if self.passes.forward == before:  # it ran by another way, which is an evaluation as well
            self._forward(1.0, result, reaches=reaches)
        return result

    @contextmanager
    def _watching(self, problem: Any, instances: int, *, reaches: bool) -> Iterator[None]:
        """Count theta's module wherever it is called, or the objective where there is none, or a scripted one."""

        def ran(_: nn.Module, given: tuple[Any, ...], returned: Any) -> None:
            samples = next((len(part) for part in tree_leaves(given) if isinstance(part, Tensor) and part.dim()), 0)
            self._forward(samples / instances if samples else 1.0, returned, reaches=reaches)

        if problem.module is not None and not isinstance(problem.module, ScriptModule):  # which takes no hooks
            with problem.module.register_forward_hook(ran):
                yield
            return
        objective, own = problem.objective, vars(problem).get("objective")

        def evaluated(y: Tree) -> Tensor:
            values: Tensor = objective(y)
            self._forward(1.0, values, reaches=reaches)
            return values

        problem.objective = evaluated
        try:
            yield
        finally:
            if own is None:
                del problem.objective
            else:
                problem.objective = own

    @contextmanager
    def inputs_only(self) -> Iterator[None]:
        """Sweeps that are made inside stop at the inner variable."""
        self._inputs_only = True
        try:
            yield
        finally:
            self._inputs_only = False

    @contextmanager
    def one_sweep(self) -> Iterator[None]:
        """What is swept inside is one input-gradient pass, however torch makes it: a product with a derivative."""
        before = self.passes.input_gradient
        yield
        self.passes.input_gradient = before + 1

    def _forward(self, share: float, returned: Any, *, reaches: bool) -> None:
        self.passes.add(forward=share)

        def swept(_: Tensor) -> None:
            self.passes.add(input_gradient=share)
            if reaches and not self._inputs_only:
                self._unsettled += share

        for part in tree_leaves(returned):
            if isinstance(part, Tensor) and part.requires_grad:
                part.register_hook(swept)  # type: ignore[no-untyped-call]

    def _call_witnesses(self, theta: nn.Module) -> None:
        """The first and the last weight hear of each sweep that reaches theta, after all else in it."""
        for handle in self._witnesses:
            handle.remove()
        self._unsettled = 0.0
        weights = [weight for weight in theta.parameters() if weight.requires_grad]
        ends = weights[:1] + weights[1:][-1:]
        self._witnesses = [weight.register_hook(self._settle) for weight in ends]  # type: ignore[no-untyped-call]

    def _settle(self, _: Tensor) -> None:
        self.passes.add(weight_gradient=self._unsettled)
        self._unsettled = 0.0
