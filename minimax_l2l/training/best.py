"""The theta that did best on validation, which need not be the last one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.hooks import Hook


class BestWeights(Hook):
    """Keep theta as it was at the validation at which one number was best.

    Robust accuracy often falls again in the later part of a training (Rice et al., Overfitting in Adversarially
    Robust Deep Learning, 2020). Choose by validation, never by test images.

    Args:
        by: the number's name in the rows of `Task.validate`, such as `"validation_pgm_10"`.
        highest: whether high is good.

    Attributes:
        step: of the best validation so far; None before the first.
        value: the number there.
    """

    def __init__(self, by: str, *, highest: bool = True) -> None:
        self.by, self.highest = by, highest
        self.step: int | None = None
        self.value: float | None = None
        self._best: nn.Module | None = None

    @property
    def module(self) -> nn.Module:
        """The best theta.

        Raises:
            ValueError: before the first validation.
        """
        if self._best is None:
            raise ValueError(
                f"nothing was validated by {self.by!r} yet; hand the hook to solve(..., hooks=[best]) with "
                "validate_every."
            )
        return self._best

    def begin(self, theta: nn.Module | None) -> None:
        """Know theta.

        Raises:
            ValueError: if it is no module.
        """
        if theta is None:
            raise ValueError("BestWeights needs theta's module, this task has none; leave the hook out.")
        self._theta = theta

    def validated(self, row: Mapping[str, float]) -> None:
        """Copy theta if it is the best so far.

        Raises:
            ValueError: if the task does not measure the number.
        """
        if self.by not in row:
            raise ValueError(f"a validation has no number {self.by!r}; choose one of: {', '.join(row)}.")
        value = row[self.by]
        if self.value is None or (value > self.value if self.highest else value < self.value):
            self.step, self.value = int(row["step"]), value
            self._best = copy.deepcopy(self._theta).eval()

    def state_dict(self) -> dict[str, Any]:
        """When, how good, and the weights."""
        weights = self._best.state_dict() if self._best is not None else None
        return {"step": self.step, "value": self.value, "weights": weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.step, self.value = state["step"], state["value"]
        if state["weights"] is not None:
            self._best = copy.deepcopy(self._theta).eval()
            self._best.load_state_dict(state["weights"])

    def write(self, folder: Path) -> None:
        """The best theta as `best/`, in the form of `model/`, once there is one."""
        if self._best is not None:
            RunFolder(folder).write_module("best", self._best)
