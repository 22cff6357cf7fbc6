"""The convolutional network on which adversarial training is usually shown for MNIST."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from minimax_l2l.errors import require_count, require_fraction
from tasks.adversarial.models.base import Classifier

SMALLEST = 16  # of the sides that leave a pixel after both groups


class SmallCNN(Classifier):
    """3x3 convolutions of 32, 32, 64, 64 channels without padding, pooled after each pair; then layers of 200, 200.

    Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, 2019, after Carlini and
    Wagner, 2017; 312,202 parameters for grey images of 28 x 28 pixels and ten classes. The last layer starts as
    torch has it, not at zero as theirs, where the loss has no gradient in the image.

    Args:
        channels: of the images.
        classes: how many logits.
        height: of the images, 16 or more.
        width: of the images, 16 or more.
        dropout: share of the first hidden layer that a training step leaves out.
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
        height: int = 28,
        width: int = 28,
        *,
        dropout: float = 0.5,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__(channels, classes, mean, std)
        for name, side in {"height": height, "width": width}.items():
            require_count(name, side, least=SMALLEST)
        require_fraction("dropout", dropout)
        self.convolutions = nn.Sequential(*_group(channels, 32), *_group(32, 64))
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * _left(height) * _left(width), 200),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(200, 200),
            nn.ReLU(),
            nn.Linear(200, classes),
        )
        for part in self.convolutions:
            if isinstance(part, nn.Conv2d) and part.bias is not None:
                nn.init.kaiming_normal_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, classes) from images of shape (n, channels, height, width) in [0, 1]."""
        logits: Tensor = self.layers(self.convolutions(self.normalise(images)))
        return logits


def _group(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolutions = nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.Conv2d(outputs, outputs, 3), nn.ReLU()
    return *convolutions, nn.MaxPool2d(2)


def _left(side: int) -> int:
    """Of a side's pixels, after both groups."""
    return ((side - 4) // 2 - 4) // 2
