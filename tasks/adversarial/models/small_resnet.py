"""Classifiers small enough for two CPU cores."""

from __future__ import annotations

import torch.nn.functional as F
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from minimax_l2l.errors import require_count

CARD = """---
{{ card_data }}
---
# A small residual network, trained by minimax_l2l

Load it with `SmallResNet.from_pretrained(...)`.
"""


class SmallResNet(nn.Module, PyTorchModelHubMixin, model_card_template=CARD):
    """A pre-activation residual network of three blocks, widths w, 2w and 4w, at strides 1, 2 and 2.

    Its activation is SiLU: a smooth one makes the loss smoother in the image, which adversarial training by any
    method profits from (Xie et al., Smooth Adversarial Training, 2020).

    Args:
        channels: of the images.
        classes: how many logits.
        width: w.
    """

    def __init__(self, channels: int = 1, classes: int = 10, width: int = 8) -> None:
        super().__init__()
        for name, count in {"channels": channels, "classes": classes, "width": width}.items():
            require_count(name, count, least=1)
        self.first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(
            _Block(width, width, 1), _Block(width, 2 * width, 2), _Block(2 * width, 4 * width, 2)
        )
        self.norm = nn.BatchNorm2d(4 * width)
        self.last = nn.Linear(4 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, classes) from images of shape (n, channels, height, width) in [0, 1]."""
        hidden = F.silu(self.norm(self.blocks(self.first(images))))
        logits: Tensor = self.last(hidden.mean((2, 3)))
        return logits


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.silu(self.norm_1(x))
        shortcut = x if self.shortcut is None else self.shortcut(hidden)
        result: Tensor = self.conv_2(F.silu(self.norm_2(self.conv_1(hidden)))) + shortcut
        return result
