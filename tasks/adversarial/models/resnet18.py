"""ResNet-18 as CIFAR has it, with activations after the sums or before the convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from tasks.adversarial.models.base import Classifier
from tasks.adversarial.models.pre_activation import PreActivationResNet

WIDTHS = (64, 64, 128, 256, 512)  # of the first convolution, then of each group of two blocks


class ResNet18(Classifier):
    """ResNet-18 for small images: its first convolution is 3x3 with stride 1, and nothing is pooled after it.

    He et al., Deep Residual Learning for Image Recognition, 2016; 11,173,962 parameters for three channels and ten
    classes.

    Args:
        channels: of the images.
        classes: how many logits.
        mean: of each channel, subtracted inside; None, with std, leaves pixels as they are.
        std: of each channel, divided by inside.

    Raises:
        TypeError: if a number is none.
        ValueError: if a number makes no sense, or mean and std do not go with the channels.
    """

    def __init__(
        self,
        channels: int = 3,
        classes: int = 10,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__(channels, classes, mean, std)
        self.first = nn.Sequential(*_convolution(channels, WIDTHS[0], 3, 1), nn.ReLU())
        blocks = []
        for inputs, outputs in pairwise(WIDTHS):
            blocks += [_Block(inputs, outputs), _Block(outputs, outputs)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Linear(WIDTHS[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, classes) from images of shape (n, channels, height, width) in [0, 1]."""
        logits: Tensor = self.last(self.blocks(self.first(self.normalise(images))).mean((2, 3)))
        return logits


class PreActResNet18(PreActivationResNet):
    """ResNet-18 for small images with pre-activation blocks; 11,172,170 parameters for three channels, ten classes.

    He et al., Identity Mappings in Deep Residual Networks, 2016: a normalisation and an activation follow the last
    block. Some implementations leave them out, and have 1,024 parameters fewer.

    Args:
        channels: of the images.
        classes: how many logits.
        mean: of each channel, subtracted inside; None, with std, leaves pixels as they are.
        std: of each channel, divided by inside.

    Raises:
        TypeError: if a number is none.
        ValueError: if a number makes no sense, or mean and std do not go with the channels.
    """

    def __init__(
        self,
        channels: int = 3,
        classes: int = 10,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__(WIDTHS, 2, F.relu, channels=channels, classes=classes, mean=mean, std=std)


class _Block(nn.Module):
    """relu(f(x) + x); where widths change, stride 2 and a normalised 1x1 convolution in the place of x."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.body = nn.Sequential(
            *_convolution(inputs, outputs, 3, stride), nn.ReLU(), *_convolution(outputs, outputs, 3, 1)
        )
        self.shortcut = nn.Sequential(*(_convolution(inputs, outputs, 1, stride) if inputs != outputs else ()))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def _convolution(inputs: int, outputs: int, size: int, stride: int) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
