"""Weight averaging: a smoother theta that follows the one that plays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from minimax_l2l.errors import require_fraction
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.hooks import Hook


class WeightAverage(Hook):
    """a <- decay a + (1 - decay) theta after every step, running statistics too; a = theta at first.

    In adversarial training the average overfits less than theta does. It plays no part in the game.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima, 2018, with a moving average.

    Args:
        decay: in [0, 1); at 0.999 a step is felt for about a thousand.

    Raises:
        ValueError: if decay lies outside.
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = require_fraction("decay", decay)
        if decay == 1:
            raise ValueError("decay must lie below 1, got 1; an average that never moves is the first theta.")
        self._average: AveragedModel | None = None

    @property
    def module(self) -> nn.Module:
        """The averaged theta.

        Raises:
            ValueError: before a run has begun.
        """
        if self._average is None:
            raise ValueError("there is no average yet; hand it to solve(..., hooks=[average]) first.")
        module: nn.Module = self._average.module
        return module

    def begin(self, theta: nn.Module | None) -> None:
        """Start from a copy of theta.

        Raises:
            ValueError: if theta is no module.
        """
        if theta is None:
            raise ValueError("WeightAverage needs theta's module, this task has none; leave the hook out.")
        self._theta = theta
        follow = get_ema_multi_avg_fn(self.decay)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(theta, multi_avg_fn=follow, use_buffers=True)
        self._average.eval()

    def moved(self) -> None:
        """Follow theta."""
        assert self._average is not None
        self._average.update_parameters(self._theta)

    def state_dict(self) -> dict[str, Any]:
        """The average."""
        assert self._average is not None
        return self._average.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        assert self._average is not None
        self._average.load_state_dict(state)

    def write(self, folder: Path) -> None:
        """The averaged theta as `average/`, in the form of `model/`."""
        RunFolder(folder).write_module("average", self.module)
