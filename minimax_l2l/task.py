"""The whole problem: min over theta of max over y of f(theta, y), solved batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from minimax_l2l.arguments import Shown
from minimax_l2l.errors import require_a
from minimax_l2l.iterate import Iterate
from minimax_l2l.modes import querying
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.oracle import require_objective
from minimax_l2l.problem import InnerProblem
from minimax_l2l.training.bookkeeping import Bookkeeping
from minimax_l2l.training.callbacks import Callback
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.iteration import Iteration, Play
from minimax_l2l.training.occupied import occupied
from minimax_l2l.training.run import Run
from minimax_l2l.training.runtime import Device, Precision, Runtime
from minimax_l2l.training.solution import Solution
from minimax_l2l.training.step import NOTHING, Losses
from minimax_l2l.trees import Tree, instances


class Task(Shown, ABC):
    """A minimax problem: where batches come from, and which inner problem each batch poses.

    A subclass needs two methods, `batches` and `inner_problem`; `solve` does the rest. A task whose theta does not
    descend by gradients overrides `move_theta`.

    Attributes:
        outer: theta's module; None if theta takes no gradient step.
        iterations: how many batches a whole run has, for progress bars and for the last row, which then has all
            numbers of a logged one; None if that is not known.
        seed: of everything random in a run.
        device: where the run takes place; set by `solve` before the first batch.
        moves_theta: whether `move_theta` does something; the host then waits for the numbers of every step.
        data_parallel: whether several processes may share a batch.
        validates: the names of what this class's `validate` returns, by which a wrong one is refused before the
            first step; None if they are not known before.
    """

    outer: nn.Module | None = None
    iterations: int | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")
    moves_theta: bool = False
    data_parallel: bool = True
    validates: tuple[str, ...] | None = None

    @abstractmethod
    def batches(self) -> Iterable[Any]:
        """The run's batches, in order; the same ones at every call.

        A resumed run skips the batches that it has had. A sequence that makes a batch from its number need not make
        those again.
        """

    @abstractmethod
    def inner_problem(self, batch: Any) -> InnerProblem:
        """The inner problem of a batch, bound to the batch and to theta as it is now."""

    def losses(self, problem: InnerProblem, y: Tree) -> Losses:
        """What theta descends and phi ascends at y, from one forward: the mean objective, unless overridden.

        If the problem has its own meta objective, phi ascends that. A loss such as TRADES returns both numbers,
        `Losses(outer=clean + beta * divergence, meta=divergence)`.
        """
        with querying(problem.module, "train"):  # running statistics move once, by what follows
            meta = problem.meta_objective(y)
        if meta is not None and self.outer is None:
            return Losses(None, meta.mean())
        outer = require_objective(problem.objective(y), instances(y)).mean()
        return Losses(outer, meta.mean() if meta is not None else None)

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Theta's optimizer: Adam with learning rate 1e-3 unless overridden."""
        if self.outer is None:
            return None
        fused = self.device.type == "cuda"  # reads the flag of a failed step itself, so that the host need not wait
        return torch.optim.Adam(self.outer.parameters(), lr=1e-3, fused=fused)

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:  # noqa: ARG002
        """The schedule of theta's learning rate, moved once per step: none unless overridden."""
        return None

    def meta_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:  # noqa: ARG002
        """The schedule of phi's learning rate, moved once per step: none unless overridden."""
        return None

    def move_theta(self, problem: InnerProblem, end: Iterate) -> Mapping[str, float]:  # noqa: ARG002
        """Move theta by something else than a gradient step, after phi has moved; return what to log.

        Does nothing here: the gradient step of the one backward has been taken. A task that overrides it sets
        `moves_theta`.
        """
        return {}

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:  # noqa: ARG002
        """Numbers to log every `validate_every` steps and at the end, from data not trained on. None here."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What else a resumed run needs, such as remembered starts; tensors and plain values only."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""

    def write(self, folder: Path) -> None:
        """Write what else a finished run's folder should hold, such as a policy. Nothing here."""

    def batches_from(self, start: int) -> Iterator[Any]:
        """The batches of a run that has taken `start` steps; those before are dropped, or not made at all.

        Raises:
            TypeError: if `batches` returns nothing that holds batches.
            ValueError: if there are fewer than `start`, or it returned an iterator that it had returned before,
                which nobody can begin anew.
        """
        advice = "return a list or a generator of batches"
        batches = require_a("what batches() returns", self.batches(), Iterable, "a sequence", advice)
        if isinstance(batches, Sequence):
            self._require_batches(min(start, len(batches)), start)
            return (batches[step] for step in range(start, len(batches)))
        if start and isinstance(batches, Iterator) and self.batches() is batches:
            raise ValueError(
                f"batches() of {type(self).__name__} returned the same {type(batches).__name__} twice, which may "
                "be half used and cannot begin anew, as a resumed run needs it; return a list, or make a new "
                "iterator at each call."
            )
        remaining = iter(batches)
        self._require_batches(sum(1 for _ in islice(remaining, start)), start)
        return remaining

    def _require_batches(self, there: int, taken: int) -> None:
        """Refuse to go on where a run that was longer cannot have been."""
        if there < taken:
            raise ValueError(
                f"the run has taken {taken} steps, and batches() of {type(self).__name__} has {there} batches; "
                "resume it with the data that it was made with, and no iterator that has been used."
            )

    def solve(
        self,
        optimizer: InnerOptimizer,
        *,
        play: Play = "joint",
        steps: int | None = None,
        out: Path | str | None = None,
        resume: bool = False,
        overwrite: bool = False,
        about: Mapping[str, Any] = NOTHING,
        device: Device = "auto",
        devices: int | None = None,
        precision: Precision = "32-true",
        log_every: int = 10,
        validate_every: int = 0,
        checkpoint_every: int = 200,
        progress: str | None = None,
        callbacks: Sequence[Callback] = (),
        hooks: Sequence[Hook] = (),
        on_failure: Literal["raise", "stop"] = "raise",
    ) -> Solution:
        """Solve the task: for each batch y ascends, then theta descends and phi, if there is one, ascends.

        Theta and phi are trained in place. With a hand-designed optimizer this is the paper's Algorithm 1, with a
        `LearnedOptimizer` its Algorithm 2.

        Args:
            optimizer: maximises the inner problem of each batch.
            play: `"joint"` moves theta and phi after one backward; `"alternating"` moves theta, computes everything
                again, and then moves phi.
            steps: largest number of iterations, one per batch; None takes all batches.
            out: folder for config, metrics, checkpoint and weights; None writes nothing. A folder that already
                holds a run is refused, unless `resume` or `overwrite` is True.
            resume: go on from the checkpoint in `out`; the result equals that of an uninterrupted run, bit for bit.
                Task and optimizer must be constructed as they were. A run that has ended is left as it is.
            overwrite: first remove the run that is in `out`.
            about: what else `config.json` keeps. A resumed run must give the same, except for "environment".
            device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`; or a torch.device.
            devices: number of processes on this machine, one device each, which share every batch; None is one, or
                as many as `torchrun` has started.
            precision: of forward passes.
            log_every: iterations per row of the history; the last step has one as well. NaN or infinite numbers are
                noticed then at the latest.
            validate_every: iterations between two calls of `validate`, which is also called after the last batch; 0
                never calls it.
            checkpoint_every: iterations between two checkpoints.
            progress: title of a progress bar; None shows none.
            callbacks: called with the row of every step.
            hooks: companions of the run, such as `WeightAverage(0.999)`.
            on_failure: what to do if the objective or a gradient becomes NaN or infinite: `"raise"` a
                `NonFiniteError`, or `"stop"`. Theta and phi are as they were before that step.

        Returns:
            Theta, phi, history, passes, seconds and status.

        Raises:
            ValueError: if options contradict each other, if `out` holds a run that must not be replaced or that
                another process is at work on, or if the run to resume was made with other settings.
            DamagedRunError: if `resume` finds no whole checkpoint.
            NonFiniteError: if a number is NaN or infinite and `on_failure` is `"raise"`.
        """
        options = Bookkeeping(
            steps=steps,
            out=out,
            resume=resume,
            overwrite=overwrite,
            about=about,
            log_every=log_every,
            validate_every=validate_every,
            checkpoint_every=checkpoint_every,
            progress=progress,
            callbacks=callbacks,
            on_failure=on_failure,
        )
        in_turns = play == "alternating" or getattr(optimizer, "learns_every", 1) > 1
        runtime = Runtime(device, precision, devices, in_turns=in_turns)
        iteration = Iteration(self, optimizer, runtime, play=play, hooks=hooks)
        self._require_validations(validate_every, iteration.hooks)
        with occupied(Path(out)) if out is not None and runtime.writes else nullcontext():
            return Run(iteration, options).play()

    def _require_validations(self, every: int, hooks: Sequence[Hook]) -> None:
        """Refuse validations of nothing, and hooks that wait for one in vain."""
        if every and getattr(self.validate, "__func__", None) is Task.validate:
            raise ValueError(
                f"validate_every={every} was given, but {type(self).__name__} has no validate(); give it one that "
                "returns numbers, or leave validate_every 0."
            )
        for hook in hooks if not every else ():
            if type(hook).validated is not Hook.validated:
                raise ValueError(
                    f"{type(hook).__name__} waits for validations, of which validate_every=0 has none; pass for "
                    "instance validate_every=100."
                )
        telling = next(kind for kind in type(self).__mro__ if vars(kind).keys() & {"validate", "validates"})
        known = vars(telling).get("validates")  # a subclass with a validate of its own may measure other numbers
        if every and known is not None:
            for hook in hooks:
                hook.require_measured(known)
