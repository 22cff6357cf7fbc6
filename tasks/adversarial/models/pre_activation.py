"""Pre-activation residual networks: He et al., Identity Mappings in Deep Residual Networks, 2016."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from tasks.adversarial.models.base import Classifier

Activation = Callable[[Tensor], Tensor]


class PreActivationResNet(Classifier):
    """A 3x3 convolution, blocks, normalisation and activation, the mean over all pixels, a linear layer.

    Args:
        widths: of the first convolution, then of the blocks of each group.
        depth: blocks per group. All groups but the first begin with stride 2.
        activation: of every block and before the mean.
        channels: of the images.
        classes: how many logits.
        mean: see `Classifier`.
        std: see `Classifier`.
    """

    def __init__(
        self,
        widths: Sequence[int],
        depth: int,
        activation: Activation,
        *,
        channels: int,
        classes: int,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
    ) -> None:
        super().__init__(channels, classes, mean, std)
        self.activation = activation
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        blocks = []
        for group, (inputs, outputs) in enumerate(pairwise(widths)):
            blocks.append(_Block(inputs, outputs, 2 if group else 1, activation))
            blocks += [_Block(outputs, outputs, 1, activation) for _ in range(depth - 1)]
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, classes) from images of shape (n, channels, height, width) in [0, 1]."""
        hidden = self.blocks(self.first(self.normalise(images)))
        logits: Tensor = self.last(self.activation(self.norm(hidden)).mean((2, 3)))
        return logits


class _Block(nn.Module):
    """x + f(h) with h = activation(norm(x)); where shapes change, a 1x1 convolution of h takes the place of x."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.activation = activation
        self.norm_1, self.norm_2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.norm_1(x))
        shortcut = x if self.shortcut is None else self.shortcut(hidden)
        result: Tensor = self.conv_2(self.activation(self.norm_2(self.conv_1(hidden)))) + shortcut
        return result
