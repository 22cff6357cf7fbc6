"""The whole game: min over theta of max over y of f(theta, y), played batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.problem import InnerProblem
from minimax_l2l.training.callbacks import Callback
from minimax_l2l.training.iteration import Play
from minimax_l2l.training.options import SolveOptions
from minimax_l2l.training.run import Run
from minimax_l2l.training.runtime import Precision
from minimax_l2l.training.solution import Solution
from minimax_l2l.trees import Tree


class Task(ABC):
    """A minimax problem: where batches come from, and what the inner problem of a batch is.

    Two methods make one: `batches` and `inner_problem`. Theta is the module `outer`; a task whose theta
    does not descend by gradients leaves it None and overrides `descend`.

    Attributes:
        outer: theta's module, None if theta takes no gradient step.
        iterations: how many batches a whole run has, for progress bars; None if that is not known.
        seed: of everything random in a run.
        device: where the run is; set by `solve` before the first batch.
    """

    outer: nn.Module | None = None
    iterations: int | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")

    @abstractmethod
    def batches(self) -> Iterable[Any]:
        """The run's batches, in order; the same ones each time it is called."""

    @abstractmethod
    def inner_problem(self, batch: Any) -> InnerProblem:
        """The inner problem of a batch, bound to it and to theta as it is now."""

    def outer_loss(self, problem: InnerProblem, y: Tree) -> Tensor:
        """What theta descends, one number: the mean objective unless overridden."""
        return problem.objective(y).mean()

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Theta's optimizer: Adam with learning rate 1e-3 unless overridden."""
        return torch.optim.Adam(self.outer.parameters(), lr=1e-3) if self.outer is not None else None

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:  # noqa: ARG002
        """The schedule of theta's learning rate, moved once an iteration: none unless overridden."""
        return None

    def meta_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:  # noqa: ARG002
        """The schedule of phi's learning rate, moved once an iteration: none unless overridden."""
        return None

    def descend(self, problem: InnerProblem, y: Tree) -> Mapping[str, float]:  # noqa: ARG002
        """Move theta by something else than a gradient step, after phi has moved; return what to log.

        Does nothing here: the gradient step of the one backward has been taken.
        """
        return {}

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:  # noqa: ARG002
        """Numbers worth a look every `validate_every` steps, on data that is not trained on. None here."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """What else a resumed run needs, such as remembered starts: tensors and plain values only."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""

    def write(self, folder: Path) -> None:
        """Leave in a finished run's folder what else is worth keeping, such as a policy. Nothing here."""

    def batches_from(self, start: int) -> Iterator[Any]:
        """The batches of a run that has taken `start` steps: the others are drawn and dropped unless overridden."""
        return islice(iter(self.batches()), start, None)

    def solve(
        self,
        optimizer: InnerOptimizer,
        *,
        play: Play = "joint",
        steps: int | None = None,
        out: Path | str | None = None,
        resume: bool = False,
        device: str = "auto",
        precision: Precision = "32-true",
        log_every: int = 10,
        validate_every: int = 0,
        checkpoint_every: int = 200,
        progress: str | None = None,
        callbacks: Sequence[Callback] = (),
        on_failure: Literal["raise", "stop"] = "raise",
    ) -> Solution:
        """Play the game: the inner optimizer ascends, theta descends, phi learns.

        With a hand-designed optimizer this is the paper's Algorithm 1, with a `LearnedOptimizer` its
        Algorithm 2. Theta and phi are trained in place.

        Args:
            optimizer: how each batch's inner problem is maximised.
            play: `"joint"` or `"alternating"`; see `Iteration`.
            steps: most iterations; None plays all batches.
            out: folder for config, metrics, checkpoint and weights; None writes nothing.
            resume: go on from the checkpoint in `out`; bit-identical to a run that never stopped.
            device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
            precision: of forward passes.
            log_every: iterations a history row.
            validate_every: iterations between two calls of `validate`; 0 never calls it.
            checkpoint_every: iterations between two checkpoints.
            progress: title of a progress bar; None shows none.
            callbacks: called with the row of every step.
            on_failure: raise `NonFiniteError` when the objective is NaN or infinite, or stop with both
                players as they were before that step.

        Returns:
            Theta, phi, history, passes, seconds and status.

        Raises:
            ValueError: on options that make no sense.
            DamagedRunError: if `resume` finds no whole checkpoint.
            NonFiniteError: if the objective leaves the numbers and `on_failure` is `"raise"`.
        """
        options = SolveOptions(
            play=play,
            steps=steps,
            out=out,
            resume=resume,
            device=device,
            precision=precision,
            log_every=log_every,
            validate_every=validate_every,
            checkpoint_every=checkpoint_every,
            progress=progress,
            callbacks=callbacks,
            on_failure=on_failure,
        )
        with Run(self, optimizer, options, descends_objective=type(self).outer_loss is Task.outer_loss) as run:
            for batch in run.batches():
                run.play(batch)
        return run.end()
