"""The bookkeeping of one solve: clock, history, folder, checkpoints, resumption, the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import torch

from minimax_l2l.errors import DamagedRunError, NonFiniteError
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.pretrained import PretrainedMixin
from minimax_l2l.training.callbacks import Callback, ProgressBar
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.interrupt import DelayedInterrupt
from minimax_l2l.training.iteration import Game, Iteration
from minimax_l2l.training.options import SolveOptions
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.solution import Row, Solution, Status


class Runnable(Game, Protocol):
    """What a run needs to know of a task beyond its iteration."""

    iterations: int | None
    device: torch.device

    def batches_from(self, start: int) -> Iterator[Any]:
        """The batches that follow `start` steps."""

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:
        """Numbers on data that is not trained on."""

    def state_dict(self) -> dict[str, Any]:
        """What else resuming needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""

    def write(self, folder: Path) -> None:
        """Leave in a finished run's folder what else is worth keeping."""


class Run:
    """One solve from its first step, or from its checkpoint, to its end.

    A context: inside it, Ctrl-C ends the loop after the present step.

    Args:
        task: the game.
        optimizer: the inner optimizer.
        options: of `Task.solve`.
        descends_objective: whether theta descends the objective itself.
    """

    def __init__(
        self, task: Runnable, optimizer: InnerOptimizer, options: SolveOptions, *, descends_objective: bool
    ) -> None:
        if not isinstance(optimizer, InnerOptimizer):
            raise TypeError(
                f"solve needs an inner optimizer, such as PGM(...) or LearnedOptimizer(...), got "
                f"{type(optimizer).__name__}; make one of minimax_l2l's, or a subclass of InnerOptimizer."
            )
        self.task, self.optimizer, self.options = task, optimizer, options
        self.runtime = Runtime(options.device, options.precision)
        self.folder = RunFolder(options.out) if options.out is not None else None
        for module in (task.outer, optimizer):
            if module is not None:
                self.runtime.place(module)
        task.device = self.runtime.device
        self.iteration = Iteration(
            task, optimizer, self.runtime, play=options.play, descends_objective=descends_objective
        )
        self.solution = Solution(task.outer, optimizer, passes=self.iteration.passes)
        if self.folder is not None:
            if isinstance(optimizer, PretrainedMixin):
                optimizer.config()  # refuses what could not be saved, now rather than at the end
            if options.resume:
                self._restore(self.folder)
            else:
                self.folder.checkpoint_file.unlink(missing_ok=True)  # of a run that this one replaces
            self.folder.write_metrics(self.solution.history)

    def __enter__(self) -> Run:
        with ExitStack() as stack:
            self._interrupt = stack.enter_context(DelayedInterrupt())
            self._watchers: list[Callback] = list(self.options.callbacks)
            for watch in self._watchers:
                if isinstance(watch, AbstractContextManager):
                    stack.enter_context(watch)
            if self.options.progress is not None:
                total = self.options.steps or self.task.iterations
                bar = ProgressBar(self.options.progress, total=total, done=self.solution.steps)
                self._watchers.append(stack.enter_context(bar))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def batches(self) -> Iterator[Any]:
        """The batches that are still to be played, on the run's device, until something ends the run."""
        remaining = self.task.batches_from(self.solution.steps)
        while self.solution.status is Status.COMPLETED:
            if self.options.steps is not None and self.solution.steps >= self.options.steps:
                self.solution.status = Status.STOPPED
                return
            self._started = time.perf_counter()
            try:
                batch = next(remaining)
            except StopIteration:
                return
            yield self.runtime.place_batch(batch)

    def play(self, batch: Any) -> None:
        """One iteration, timed and recorded."""
        try:
            measured = self.iteration(batch)
        except NonFiniteError:
            if self.options.on_failure == "raise":
                raise
            self.solution.status = Status.DIVERGED
            return
        self.solution.steps += 1
        self.solution.seconds += time.perf_counter() - self._started
        self._record({"step": self.solution.steps, "seconds": self.solution.seconds, **measured})
        if self._interrupt.asked:
            self.solution.status = Status.INTERRUPTED

    def end(self) -> Solution:
        """Put both players to rest, write what is to be kept, return the solution."""
        self.optimizer.eval()
        if self.task.outer is not None:
            self.task.outer.eval()
        if self.folder is not None:
            self._save(self.folder)
            solution = self.solution
            self.folder.write_json(
                "solution.json",
                {
                    "status": solution.status.name.lower(),
                    "steps": solution.steps,
                    "seconds": solution.seconds,
                    "passes": solution.passes.as_row(),
                },
            )
            if self.task.outer is not None:
                self.folder.write_module("model", self.task.outer)
            if self.optimizer.learns:
                self.folder.write_module("optimizer", self.optimizer)
            self.task.write(self.folder.path)
        return self.solution

    def _record(self, row: Row) -> None:
        step, options = self.solution.steps, self.options
        validated = bool(options.validate_every) and step % options.validate_every == 0
        if validated:
            row |= self.task.validate(self.optimizer)
        if validated or step % options.log_every == 0:
            self.solution.history.append(row)
            if self.folder is not None:
                self.folder.append_metrics(row)
        for watch in self._watchers:
            watch(row)
        if self.folder is not None and step % options.checkpoint_every == 0:
            self._save(self.folder)

    def _save(self, folder: RunFolder) -> None:
        folder.write_checkpoint(
            {
                "step": self.solution.steps,
                "seconds": self.solution.seconds,
                "rows": len(self.solution.history),
                "iteration": self.iteration.state_dict(),
                "task": self.task.state_dict(),
                "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if self.runtime.device.type == "cuda" else [],
            }
        )

    def _restore(self, folder: RunFolder) -> None:
        state = folder.read_checkpoint()
        try:
            self.solution.history = folder.read_metrics(state["rows"])
            self.solution.steps, self.solution.seconds = state["step"], state["seconds"]
            self.iteration.load_state_dict(state["iteration"])
            self.task.load_state_dict(state["task"])
            torch.set_rng_state(state["rng"])
            if state["cuda_rng"]:
                torch.cuda.set_rng_state_all(state["cuda_rng"])
        except DamagedRunError:
            raise
        except (LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise DamagedRunError(
                f"the checkpoint in {folder.path} is of another task or optimizer ({error}); "
                "resume it with the settings it was made with, or start again in another folder."
            ) from error
        self.solution.passes = self.iteration.passes
