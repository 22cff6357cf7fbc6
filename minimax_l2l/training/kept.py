"""Weights kept beside theta: their average over the steps, and those that did best on validation."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from minimax_l2l.errors import require_a, require_flag, require_fraction
from minimax_l2l.modes import rest
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.hooks import Hook


class _Kept(Hook):
    """A copy of theta that goes its own way, and is written in the form of `model/` once there is one."""

    name: str  # of its folder within the run's
    _too_early: str  # what is said to whoever asks before there is one
    _kept: nn.Module | None = None

    @property
    def module(self) -> nn.Module:
        """The weights that are kept.

        Raises:
            ValueError: if there are none yet.
        """
        if self._kept is None:
            raise ValueError(self._too_early)
        return self._kept

    def begin(self, theta: nn.Module | None) -> None:
        """Know theta.

        Raises:
            ValueError: if it is no module.
        """
        if theta is None:
            raise ValueError(f"{type(self).__name__} needs theta's module, this task has none; leave the hook out.")
        self._theta = theta

    def write(self, folder: Path) -> None:
        """The weights that are kept, in a folder of their own."""
        if self._kept is not None:
            RunFolder(folder).write_module(self.name, self._kept)


class WeightAverage(_Kept):
    """a <- decay a + (1 - decay) theta after every step, running statistics too; a = theta at first.

    In adversarial training the average overfits less than theta does. It plays no part in the game. A finished run
    has it as `average/`.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima, 2018, with a moving average.

    Args:
        decay: in [0, 1); at 0.999 a step is felt for about a thousand.

    Attributes:
        module: the averaged theta, once a run has begun.

    Raises:
        ValueError: if decay lies outside.
    """

    name = "average"
    _too_early = "there is no average yet; hand it to solve(..., hooks=[average]) first."

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = require_fraction("decay", decay)
        if decay == 1:
            raise ValueError("decay must lie below 1, got 1; an average that never moves is the first theta.")

    def begin(self, theta: nn.Module | None) -> None:
        """Start from a copy of theta."""
        super().begin(theta)
        follow = get_ema_multi_avg_fn(self.decay)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(self._theta, multi_avg_fn=follow, use_buffers=True)
        rest(self._average)
        self._kept = self._average.module

    def moved(self) -> None:
        """Follow theta."""
        self._average.update_parameters(self._theta)

    def state_dict(self) -> dict[str, Any]:
        """The average."""
        return self._average.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._average.load_state_dict(state)


class BestWeights(_Kept):
    """Keep theta as it was at the validation at which one number was best.

    Robust accuracy often falls again in the later part of a training (Rice et al., Overfitting in Adversarially
    Robust Deep Learning, 2020). Choose by validation, never by test images. A finished run has it as `best/`.

    Args:
        by: the number's name in the rows of `Task.validate`, such as `"validation_pgm_10"`.
        highest: whether high is good.

    Attributes:
        module: the best theta so far, once there was a validation.
        step: of the best validation so far; None before the first.
        value: the number there.
    """

    name = "best"

    def __init__(self, by: str, *, highest: bool = True) -> None:
        self.by = require_a("by", by, str, "a number's name", "pass for instance 'validation_pgm_10'")
        self.highest = require_flag("highest", highest)
        self._too_early = (
            f"nothing was validated by {by!r} yet; hand the hook to solve(..., hooks=[best]) with validate_every."
        )
        self.step: int | None = None
        self.value: float | None = None

    def begin(self, theta: nn.Module | None) -> None:
        """A run of its own: what was best in another is forgotten."""
        super().begin(theta)
        self.step, self.value, self._kept = None, None, None

    def require_measured(self, numbers: Iterable[str]) -> None:
        """Refuse a number that is not among those that a validation has.

        Raises:
            ValueError: if it is not.
        """
        if self.by not in (known := list(numbers)):
            raise ValueError(f"a validation has no number {self.by!r}; choose one of: {', '.join(known)}.")

    def validated(self, row: Mapping[str, float]) -> None:
        """Copy theta if it is the best so far.

        Raises:
            ValueError: if the task does not measure the number.
        """
        self.require_measured(row)
        value = row[self.by]
        if self.value is None or (value > self.value if self.highest else value < self.value):
            self.step, self.value = int(row["step"]), value
            self._kept = _at_rest(self._theta)

    def state_dict(self) -> dict[str, Any]:
        """When, how good, and the weights."""
        weights = self._kept.state_dict() if self._kept is not None else None
        return {"step": self.step, "value": self.value, "weights": weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.step, self.value = state["step"], state["value"]
        if state["weights"] is not None:
            self._kept = _at_rest(self._theta)
            self._kept.load_state_dict(state["weights"])


def _at_rest(theta: nn.Module) -> nn.Module:
    kept = copy.deepcopy(theta)
    rest(kept)
    return kept
