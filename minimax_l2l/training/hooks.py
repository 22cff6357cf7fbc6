"""What lives beside a run: called around each step, with a state that checkpoints keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from minimax_l2l.arguments import Shown
from minimax_l2l.iterate import Iterate
from minimax_l2l.problem import InnerProblem


class Hook(Shown):
    """A companion of theta's: all its methods do nothing until overridden.

    In one step they are called in this order, once each: `found`, `differentiated`, `moved`. In alternating play
    the first two are about theta's half.
    """

    def begin(self, theta: nn.Module | None) -> None:
        """A run begins; theta is on its device, a checkpoint is not yet loaded."""

    def found(self, problem: InnerProblem, end: Iterate) -> None:
        """y_K is found, and neither player's number is computed: weights that are moved now are moved in both."""

    def differentiated(self) -> None:
        """Both players' gradients are there, and nobody has moved: weights that were moved are put back here."""

    def moved(self) -> None:
        """Both players have taken their steps."""

    def require_measured(self, numbers: Iterable[str]) -> None:
        """Refuse validations that lack a number which this hook needs, by the names of those that they have.

        Called before the first step of a run that validates, if the task tells the names; see `Task.validates`.
        """

    def validated(self, row: Mapping[str, float]) -> None:
        """A row with the numbers of a validation."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs: tensors and plain values only."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""

    def write(self, folder: Path) -> None:
        """Leave in a finished run's folder what is worth keeping."""
