"""Wide residual networks, the usual classifiers of adversarial training on CIFAR."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import nn

from minimax_l2l.errors import require_count
from tasks.adversarial.models.pre_activation import PreActivationResNet


class WideResNet(PreActivationResNet):
    """WRN-d-k: three groups of (d - 4) / 6 blocks, widths 16k, 32k and 64k; WRN-34-10 has 46,160,474 parameters.

    Zagoruyko and Komodakis, Wide Residual Networks, 2016, without dropout; as TRADES (Zhang et al., 2019) and the
    paper use it, but for the group of blocks that their code makes and never calls. Convolutions start as theirs:
    normal with variance 2 / (9 * outputs), or 2 / outputs where they are 1x1.

    Args:
        depth: d, 6n + 4.
        widen: k.
        channels: of the images.
        classes: how many logits.
        mean: of each channel, subtracted inside; None, with std, leaves pixels as they are.
        std: of each channel, divided by inside.

    Raises:
        TypeError: if a number is none.
        ValueError: if the depth is not 6n + 4, if a number makes no sense, or if mean and std do not go with the
            channels.
    """

    def __init__(
        self,
        depth: int = 34,
        widen: int = 10,
        channels: int = 3,
        classes: int = 10,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        blocks, rest = divmod(require_count("depth", depth, least=10) - 4, 6)
        if rest:
            raise ValueError(f"depth must be 6n + 4, got {depth}; pass {depth - rest} or {depth - rest + 6}.")
        w = 16 * require_count("widen", widen, least=1)
        super().__init__(
            (16, w, 2 * w, 4 * w), blocks, F.relu, channels=channels, classes=classes, mean=mean, std=std
        )
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.last.bias)
