"""The bookkeeping of one solve: clock, history, folder, checkpoints, resumption, the end."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch

from minimax_l2l.errors import DamagedRunError, NonFiniteError
from minimax_l2l.modes import rest, train
from minimax_l2l.optimizers.pretrained import OWN_CODE, PretrainedMixin
from minimax_l2l.own_code import tell_parts, warn_if_parts_changed
from minimax_l2l.training.batch_norm import synchronised
from minimax_l2l.training.bookkeeping import Bookkeeping
from minimax_l2l.training.callbacks import Callback, ProgressBar
from minimax_l2l.training.comparison import require_same
from minimax_l2l.training.description import describe, describe_game
from minimax_l2l.training.drivable import require_length
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.interrupt import DelayedInterrupt
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.numbers import Numbers, require_numbers
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
        self._latest: Numbers | None = None
        self.folder: RunFolder | None = None
        self._ended = False
        relative = getattr(self.optimizer, "max_relative_step", None) is not None
        self._watch = Watch(
            relative=relative,
            learns=self.optimizer.learns,
            random=self.optimizer.random_start > 0,
            moves=self.optimizer.steps > 0,
        )
        for player in iteration.players:
            require_length(player.schedule, _least(options.steps, self.task.iterations))
        if options.out is not None:
            _require_folders(iteration.hooks)
            self._open(RunFolder(options.out))
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
        if self._ended:
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
        self._latest = Numbers({"step": step, "seconds": self.solution.seconds, **measured})
        if validated:
            self._validate(self._latest)
        if logged:
            self._keep(self._latest)
            if self.runtime.writes:
                self._look()
        for watch in self._watchers:
            watch(self._latest)
        if saved:
            self._save()
        if self._asked(step):
            self.solution.status = Status.INTERRUPTED

    def _look(self) -> None:
        """Warn of what the row that has just been kept tells."""
        size, step = self.iteration.first_size, self.iteration.step
        self._watch.see(
            self.solution.history[-1],
            first_size=size.item() if size is not None else None,
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
        numbers.update(require_numbers("what validate returns", self.task.validate(self.optimizer)))
        for hook in self.iteration.hooks:
            hook.validated(numbers)
        self.solution.validation_seconds += time.perf_counter() - started

    def _finish(self) -> None:
        """Validate where the run ended, if its last step was not known to be the last."""
        numbers, history = self._latest, self.solution.history
        ended = not self._ended and self.solution.status is Status.COMPLETED
        if not ended or numbers is None or not self.options.validate_every or self._validates(self.solution.steps):
            return
        if not self._is_finite():
            return
        train(self.iteration.step)
        self._validate(numbers)
        if history and history[-1]["step"] == numbers["step"]:
            history.pop()  # written again with the validation, once a checkpoint knows the rows before it
            self._save()
            if self.folder is not None:
                self.folder.write_metrics(history)

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
        if self._ended:
            return solution
        ended = solution.status is Status.COMPLETED
        if ended and not solution.steps:
            solution.status = Status.EMPTY
            if self.runtime.writes:
                asked = "It was asked for none; pass epochs=1, say." if self.task.iterations == 0 else Status.EMPTY
                warnings.warn(f"the run took 0 steps, so nothing was trained. {asked}", stacklevel=4)
        if ended:
            self._keep(self._latest)
        self._save(ended=ended or solution.status is Status.DIVERGED)
        if not ended:  # the row at which a run is stopped is one of a resumed run only if that takes no more steps
            self._keep(self._latest)
        if self.runtime.writes:
            self._watch.end(solution.history)
        if self.folder is not None:
            if self.task.outer is not None:
                self.folder.write_module("model", self.task.outer)
            if self.optimizer.learns:
                self.folder.write_module("optimizer", self.optimizer)
            self.task.write(self.folder.path)
            for hook in self.iteration.hooks:
                hook.write(self.folder.path)
            self.folder.seal("metrics.jsonl", "policy.zip")
            status, passes = solution.status.name.lower(), solution.passes.as_row()
            told = {
                "status": status,
                "steps": solution.steps,
                "seconds": solution.seconds,
                "validation_seconds": solution.validation_seconds,
                "passes": passes,
                "warned": list(self._watch.said.values()),
                **(
                    {} if self.optimizer.learns else {"optimizer": describe(self.optimizer)}
                ),  # as hooks have left it
            }
            self.folder.write_json("solution.json", told)
        self.runtime.wait()
        return solution

    def _open(self, folder: RunFolder) -> None:
        """Begin in a folder, or go on with the run that is there."""
        if isinstance(self.optimizer, PretrainedMixin):
            self.optimizer.config()  # refuses what could not be saved, now rather than at the end
        options = {"play": self.iteration.play, "precision": self.runtime.precision}
        game = describe_game(self.task, self.task.outer, self.optimizer, self.iteration.hooks, **options)
        config = {**self.options.about, "game": game}
        theta = self.task.outer
        if self.options.resume:
            then = folder.read_json("config.json")
            require_same(folder.path, config, then)
            if theta is not None and self.runtime.writes:
                warn_if_parts_changed(folder.path, then.get(OWN_CODE, {}), theta)
            self._restore(folder)
        elif self.runtime.writes:
            folder.make_room(overwrite=self.options.overwrite)
            own = tell_parts(theta) if theta is not None else {}
            folder.write_json("config.json", {**config, **({OWN_CODE: own} if own else {})})
        self.runtime.wait()
        if self.runtime.writes:
            self.folder = folder
            if not self._ended:
                folder.reopen()
                folder.write_metrics(self.solution.history)

    def _fail(self) -> None:
        """Both players are as the last good step left them; so is what is said of the run.

        Raises:
            NonFiniteError: if that is asked for.
        """
        if not self.iteration.waits:
            self.iteration.statistics.put_back()
            self.solution.steps = self._first + int(self.iteration.health.good.item())
        self._latest = None
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

    def _keep(self, numbers: Numbers | None) -> None:
        """Add a step's numbers to the history, unless they are there: the means over all processes."""
        if numbers is None or (self.solution.history and self.solution.history[-1]["step"] == numbers["step"]):
            return
        row = numbers.averaged(self.runtime)
        self.solution.history.append(row)
        if self.folder is not None:
            self.folder.append_metrics(row)

    def _save(self, *, ended: bool = False) -> None:
        """Write a checkpoint, in the process that writes; all of them take part in its means."""
        if self.options.out is None:
            return
        latest = self._latest.averaged(self.runtime) if self._latest is not None and not ended else None
        folder = self.folder
        if folder is None:
            return
        folder.write_checkpoint(
            {
                "step": self.solution.steps,
                "seconds": self.solution.seconds,
                "validation_seconds": self.solution.validation_seconds,
                "rows": len(self.solution.history),
                "metrics": folder.metrics_digest(len(self.solution.history)),
                "latest": latest,
                "status": self.solution.status.name,
                "ended": ended,
                "iteration": self.iteration.state_dict(),
                "watch": self._watch.state_dict(),
                "task": self.task.state_dict(),
                "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if self.runtime.device.type == "cuda" else [],
            }
        )

    def _restore(self, folder: RunFolder) -> None:
        state = folder.read_checkpoint()
        try:
            self.solution.history = folder.read_metrics(state["rows"], state["metrics"])
            self.solution.steps, self.solution.seconds = state["step"], state["seconds"]
            self.solution.validation_seconds = state["validation_seconds"]
            self._latest = Numbers(state["latest"]) if state["latest"] is not None else None
            self._ended = state["ended"] and folder.tells_its_end()
            if self._ended:
                folder.require_results()
            if state["status"] == Status.DIVERGED.name:
                self.solution.status = Status.DIVERGED
            self.iteration.load_state_dict(state["iteration"])
            self._watch.load_state_dict(state["watch"])
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


def _least(*lengths: int | None) -> int | None:
    """The shortest of those that are known."""
    return min((length for length in lengths if length is not None), default=None)


def _require_folders(hooks: Sequence[Hook]) -> None:
    """Refuse two hooks that would write over each other."""
    names = [name for hook in hooks if (name := getattr(hook, "name", None)) is not None]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two of hooks write to {name}/; leave one out, or solve without out=.")
