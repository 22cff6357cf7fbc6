"""Classifiers small enough for two CPU cores."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F

from minimax_l2l.errors import require_count
from tasks.adversarial.models.pre_activation import PreActivationResNet


class SmallResNet(PreActivationResNet):
    """A pre-activation residual network of three blocks, widths w, 2w and 4w, at strides 1, 2 and 2.

    Its activation is SiLU: a smooth one makes the loss smoother in the image, which adversarial training by any
    method profits from (Xie et al., Smooth Adversarial Training, 2020).

    Args:
        channels: of the images.
        classes: how many logits.
        width: w.
        mean: of each channel, subtracted inside; None, with std, leaves pixels as they are.
        std: of each channel, divided by inside.

    Raises:
        TypeError: if a number is none.
        ValueError: if a number makes no sense, or mean and std do not go with the channels.
    """

    def __init__(
        self,
        channels: int = 1,
        classes: int = 10,
        width: int = 8,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        w = require_count("width", width, least=1)
        super().__init__((w, w, 2 * w, 4 * w), 1, F.silu, channels=channels, classes=classes, mean=mean, std=std)
