"""What one solve keeps: the rows of its history and, if it has a folder, its checkpoints and results."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from minimax_l2l.errors import DamagedRunError
from minimax_l2l.optimizers.pretrained import OWN_CODE, PretrainedMixin
from minimax_l2l.own_code import tell_parts, warn_if_parts_changed
from minimax_l2l.training.bookkeeping import Bookkeeping
from minimax_l2l.training.comparison import require_same
from minimax_l2l.training.description import describe, describe_game
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.hooks import Hook
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.numbers import Numbers
from minimax_l2l.training.solution import Solution, Status
from minimax_l2l.training.watch import Watch


class Record:
    """The history of a solve, in memory and in its folder, where it may go on from.

    Of several processes the first alone writes. All of them read, and take part in what is averaged.

    Args:
        iteration: both players, whose state a checkpoint holds.
        options: where the folder is, and whether to go on with the run that is there.
        solution: what is filled in.
        watch: what has been warned of.

    Attributes:
        latest: the numbers of the last step that was taken; None if there are none.
        ended: whether the run in the folder had ended before.
    """

    def __init__(self, iteration: Iteration, options: Bookkeeping, solution: Solution, watch: Watch) -> None:
        self._iteration, self._options, self._solution, self._watch = iteration, options, solution, watch
        self._task, self._optimizer, self._runtime = iteration.task, iteration.optimizer, iteration.runtime
        self.latest: Numbers | None = None
        self.ended = False
        self._folder: RunFolder | None = None  # of the process that writes
        if options.out is not None:
            _require_folders(iteration.hooks)
            self._open(RunFolder(options.out))

    def keep(self) -> None:
        """Add the latest numbers to the history, unless they are there: the means over all processes."""
        numbers, history = self.latest, self._solution.history
        if numbers is None or (history and history[-1]["step"] == numbers["step"]):
            return
        row = numbers.averaged(self._runtime)
        history.append(row)
        if self._folder is not None:
            self._folder.append_metrics(row)

    def take_back(self) -> None:
        """Drop the last row, to be written again with more in it, once a checkpoint knows those before it."""
        self._solution.history.pop()
        self.save()
        if self._folder is not None:
            self._folder.write_metrics(self._solution.history)

    def save(self, *, ended: bool = False) -> None:
        """Write a checkpoint, in the process that writes; all of them take part in its means."""
        if self._options.out is None:
            return
        latest = self.latest.averaged(self._runtime) if self.latest is not None and not ended else None
        folder, solution = self._folder, self._solution
        if folder is None:
            return
        folder.write_checkpoint(
            {
                "step": solution.steps,
                "seconds": solution.seconds,
                "validation_seconds": solution.validation_seconds,
                "validated": list(solution.validated),
                "rows": len(solution.history),
                "metrics": folder.metrics_digest(len(solution.history)),
                "latest": latest,
                "status": solution.status.name,
                "ended": ended,
                "iteration": self._iteration.state_dict(),
                "watch": self._watch.state_dict(),
                "task": self._task.state_dict(),
                "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if self._runtime.device.type == "cuda" else [],
            }
        )

    def close(self) -> None:
        """Write both players, what the task and the hooks have to tell, and how the run ended."""
        folder, solution, learns = self._folder, self._solution, self._optimizer.learns
        if folder is None:
            return
        if self._task.outer is not None:
            folder.write_module("model", self._task.outer)
        if learns:
            folder.write_module("optimizer", self._optimizer)
        self._task.write(folder.path)
        for hook in self._iteration.hooks:
            hook.write(folder.path)
        folder.seal("metrics.jsonl", "policy.zip")
        told = {
            "status": solution.status.name.lower(),
            "steps": solution.steps,
            "seconds": solution.seconds,
            "validation_seconds": solution.validation_seconds,
            "passes": solution.passes.as_row(),
            "warned": list(self._watch.said.values()),
        }
        as_left = {} if learns else {"optimizer": describe(self._optimizer)}  # by hooks, which may change settings
        folder.write_json("solution.json", {**told, **as_left})

    def _open(self, folder: RunFolder) -> None:
        """Begin in a folder, or go on with the run that is there."""
        theta, runtime = self._task.outer, self._runtime
        if isinstance(self._optimizer, PretrainedMixin):
            self._optimizer.config()  # refuses what could not be saved, now rather than at the end
        options = {"play": self._iteration.play, "precision": runtime.precision}
        game = describe_game(self._task, theta, self._optimizer, self._iteration.hooks, **options)
        config = {**self._options.about, "game": game}
        if self._options.resume:
            then = folder.read_json("config.json")
            require_same(folder.path, config, then)
            if theta is not None and runtime.writes:
                warn_if_parts_changed(folder.path, then.get(OWN_CODE, {}), theta)
            self._restore(folder)
        elif runtime.writes:
            folder.make_room(overwrite=self._options.overwrite)
            own = tell_parts(theta) if theta is not None else {}
            folder.write_json("config.json", {**config, **({OWN_CODE: own} if own else {})})
        runtime.wait()
        if runtime.writes:
            self._folder = folder
            if not self.ended:
                folder.reopen()
                folder.write_metrics(self._solution.history)

    def _restore(self, folder: RunFolder) -> None:
        state, solution = folder.read_checkpoint(), self._solution
        try:
            solution.history = folder.read_metrics(state["rows"], state["metrics"])
            solution.steps, solution.seconds = state["step"], state["seconds"]
            solution.validation_seconds = state["validation_seconds"]
            solution.validated = tuple(state["validated"])
            self.latest = Numbers(state["latest"]) if state["latest"] is not None else None
            self.ended = state["ended"] and folder.tells_its_end()
            if self.ended:
                folder.require_results()
            if state["status"] == Status.DIVERGED.name:
                solution.status = Status.DIVERGED
            self._iteration.load_state_dict(state["iteration"])
            self._watch.load_state_dict(state["watch"])
            self._task.load_state_dict(state["task"])
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


def _require_folders(hooks: Sequence[Hook]) -> None:
    """Refuse two hooks that would write over each other."""
    names = [name for hook in hooks if (name := getattr(hook, "name", None)) is not None]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two of hooks write to {name}/; leave one out, or solve without out=.")
