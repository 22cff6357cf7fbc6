"""What solving a task returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from torch import nn

from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.passes import Passes

Row = dict[str, float | int]


class Status(StrEnum):
    """How a solve ended; each member is a sentence for people."""

    COMPLETED = "The run went through all its batches."
    EMPTY = (
        "There was no batch: none was asked for, an iterator was used up, or a callback stopped the first rollout."
    )
    STOPPED = "The run reached the number of steps it was given; resume it to go on."
    INTERRUPTED = "The run was interrupted; resume it to go on."
    DIVERGED = "The objective became NaN or infinite; theta and phi are those of the last good step."


@dataclass(repr=False)
class Solution:
    """Both players after the game, and what it cost.

    Attributes:
        theta: the outer variable's module, None if the task has none.
        phi: the inner optimizer; its parameters are phi if it learns.
        history: one row for each logged step.
        validated: the names of what validations measured.
        passes: forward, input-gradient and weight-gradient passes of the training, validation not included.
        seconds: wall-clock time of the training, validation and saving not included.
        validation_seconds: that of the validations.
        steps: how many iterations were taken, resumed ones included.
        status: how it ended.
    """

    theta: nn.Module | None
    phi: InnerOptimizer
    history: list[Row] = field(default_factory=list)
    validated: tuple[str, ...] = ()
    passes: Passes = field(default_factory=Passes)
    seconds: float = 0.0
    validation_seconds: float = 0.0
    steps: int = 0
    status: Status = Status.COMPLETED

    @property
    def validation(self) -> Row:
        """The last validation's numbers; none if there was no validation."""
        rows = (row for row in reversed(self.history) if row.keys() >= set(self.validated))
        last: Row = next(rows, {})
        return {name: last[name] for name in self.validated if last}

    def __repr__(self) -> str:
        """What it is, without the networks' layers and the history's rows."""
        theta = type(self.theta).__name__ if self.theta is not None else None
        return (
            f"Solution(status={self.status.name}, steps={self.steps}, seconds={self.seconds:.3g}, theta={theta}, "
            f"phi={type(self.phi).__name__}, {len(self.history)} rows of history, {self.passes})"
        )
