"""The course of one solve: step by step, timed, validated, logged, saved; and its end."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch

from minimax_l2l.errors import NonFiniteError
from minimax_l2l.modes import rest, train
from minimax_l2l.training.batch_norm import synchronised
from minimax_l2l.training.bookkeeping import Bookkeeping
from minimax_l2l.training.callbacks import Callback, ProgressBar
from minimax_l2l.training.drivable import require_length
from minimax_l2l.training.interrupt import DelayedInterrupt
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.numbers import Numbers, require_numbers
from minimax_l2l.training.record import Record
from minimax_l2l.training.solution import Solution, Status
from minimax_l2l.training.watch import Watch


class Run:
    """One solve from its first step, or from its checkpoint, to its end.

    Ctrl-C ends it after the present step. Of several processes the first alone writes and talks; all of them look
    at the same steps whether a number has failed or somebody has asked to stop.
    """

    def __init__(self, iteration: Iteration, options: Bookkeeping) -> None:
        self.iteration, self.options = iteration, options
        self.task, self.optimizer, self.runtime = iteration.task, iteration.optimizer, iteration.runtime
        self.solution = Solution(self.task.outer, self.optimizer, passes=iteration.step.meter.passes)
        self._watch = Watch(
            relative=isinstance(getattr(self.optimizer, "max_relative_step", None), float),  # "auto" has a floor
            learns=self.optimizer.learns,
            random=self.optimizer.random_start > 0,
            moves=self.optimizer.steps > 0,
        )
        for player in iteration.players:
            require_length(player.schedule, _least(options.steps, self.task.iterations))
        self._record = Record(iteration, options, self.solution, self._watch)
        self._first = self.solution.steps

    def play(self) -> Solution:
        """Take the steps that are left, put both players to rest, and write what is to be kept."""
        with ExitStack() as stack:
            self._begin(stack)
            for batch in self._batches():
                self._step(batch)
            self._finish()
        return self._end()

    def _begin(self, stack: ExitStack) -> None:
        if self.runtime.world > 1:
            stack.enter_context(synchronised(self.iteration.step))
        self._interrupt = stack.enter_context(DelayedInterrupt())
        self._watchers: list[Callback] = list(self.options.callbacks) if self.runtime.writes else []
        if self.options.progress is not None and self.runtime.writes:
            total = self.options.steps or self.task.iterations
            self._watchers.append(ProgressBar(self.options.progress, total=total, done=self.solution.steps))
        for watch in self._watchers:
            if isinstance(watch, AbstractContextManager):
                stack.enter_context(watch)

    def _batches(self) -> Iterator[Any]:
        """The batches that are still to be played, until something ends the run."""
        if self._record.ended:
            return
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
            yield batch

    def _step(self, batch: Any) -> None:
        """One iteration, timed and recorded."""
        step, options = self.solution.steps + 1, self.options
        validated, saved = self._validates(step), options.due(options.checkpoint_every, step)
        logged = validated or step == self.task.iterations or options.due(options.log_every, step)
        self.iteration.step.doubted = self._watch.doubts
        try:
            measured = self.iteration(batch, measuring=logged)
            if logged or saved:
                self.iteration.health.require()
        except NonFiniteError:
            self._fail()
            return
        self.solution.steps = step
        self.solution.seconds += time.perf_counter() - self._started
        self._record.latest = Numbers({"step": step, "seconds": self.solution.seconds, **measured})
        if validated:
            self._validate(self._record.latest)
        if logged:
            self._record.keep()
            if self.runtime.writes:
                self._look()
        for watch in self._watchers:
            watch(self._record.latest)
        if saved:
            self._record.save()
        if self._asked(step):
            self.solution.status = Status.INTERRUPTED

    def _look(self) -> None:
        """Warn of what the row that has just been kept tells."""
        size, step = self.iteration.first_size, self.iteration.step
        self._watch.see(
            self.solution.history[-1],
            first_size=None if size is None or step.kept is None or step.kept.item() else size.item(),
            rise=step.rise.item() if step.rise is not None else None,
            lives_on=bool(step.goes_on),
        )

    def _validates(self, step: int) -> bool:
        """Whether a step is validated: every so many, and the one that is known to be the last."""
        every = self.options.validate_every
        return self.options.due(every, step) or (every > 0 and step == self.task.iterations)

    def _validate(self, numbers: Numbers) -> None:
        """Add what the task measures on held-out data, timed apart."""
        started = time.perf_counter()
        measured = require_numbers("what validate returns", self.task.validate(self.optimizer))
        self.solution.validated = tuple(measured)
        numbers.update(measured)
        for hook in self.iteration.hooks:
            hook.validated(numbers)
        self.solution.validation_seconds += time.perf_counter() - started

    def _finish(self) -> None:
        """Validate where the run ended, if its last step was not known to be the last."""
        numbers, history = self._record.latest, self.solution.history
        ended = not self._record.ended and self.solution.status is Status.COMPLETED
        if not ended or numbers is None or not self.options.validate_every or self._validates(self.solution.steps):
            return
        if not self._is_finite():
            return
        train(self.iteration.step)
        self._validate(numbers)
        if history and history[-1]["step"] == numbers["step"]:
            self._record.take_back()

    def _is_finite(self) -> bool:
        """Whether both players are still made of finite numbers; the run has diverged if not."""
        try:
            self.iteration.health.require()
        except NonFiniteError:
            self._fail()
            return False
        return True

    def _end(self) -> Solution:
        solution = self.solution
        if solution.status is not Status.DIVERGED:
            self._is_finite()
        for player in (self.optimizer, self.task.outer):
            if player is not None:
                rest(player)
        if self._record.ended:
            return solution
        ended = solution.status is Status.COMPLETED
        if ended and not solution.steps:
            solution.status = Status.EMPTY
            if self.runtime.writes:
                asked = "It was asked for none; pass epochs=1, say." if self.task.iterations == 0 else Status.EMPTY
                warnings.warn(f"the run took 0 steps, so nothing was trained. {asked}", stacklevel=4)
        if ended:
            self._record.keep()
        self._record.save(ended=ended or solution.status is Status.DIVERGED)
        if not ended:  # the row at which a run is stopped is one of a resumed run only if that takes no more steps
            self._record.keep()
        if self.runtime.writes:
            self._watch.end(solution.history)
        self._record.close()
        self.runtime.wait()
        return solution

    def _fail(self) -> None:
        """Both players are as the last good step left them; so is what is said of the run.

        Raises:
            NonFiniteError: if that is asked for.
        """
        if not self.iteration.waits:
            self.iteration.statistics.put_back()
            self.solution.steps = self._first + int(self.iteration.health.good.item())
        self._record.latest = None
        if self.options.on_failure == "raise":
            self.iteration.health.require()
        self.solution.status = Status.DIVERGED

    def _asked(self, step: int) -> bool:
        """Whether Ctrl-C has been heard; of several processes, by any of them, once they look together."""
        if self.runtime.world == 1:
            return self._interrupt.asked
        if not self.options.due(self.options.log_every, step):
            return False
        asked = torch.tensor(float(self._interrupt.asked), device=self.runtime.device)
        return bool(self.runtime.largest(asked).item())


def _least(*lengths: int | None) -> int | None:
    """The shortest of those that are known."""
    return min((length for length in lengths if length is not None), default=None)
