"""The cheapest convolutional network that adversarial training is shown with."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from minimax_l2l.errors import require_count
from tasks.adversarial.models.base import Classifier


class StridedCNN(Classifier):
    """4x4 convolutions of w and 2w channels at stride 2, a layer of 100, ReLU between them; no normalisation.

    It serves for tables of many trainings on few cores. With width 16 it has 166,406 parameters for grey images of
    28 x 28 pixels and ten classes.

    Source: Wong and Kolter, Provable Defenses against Adversarial Examples, 2018; Wong, Rice and Kolter, Fast is
    Better than Free, 2020, train it with one step.

    Args:
        channels: of the images.
        classes: how many logits.
        width: w.
        height: of the images, 4 or more.
        side: their width, 4 or more.
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
        width: int = 16,
        height: int = 28,
        side: int = 28,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__(channels, classes, mean, std)
        require_count("width", width, least=1)
        for name, pixels in {"height": height, "side": side}.items():
            require_count(name, pixels, least=4)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * (height // 4) * (side // 4), 100),
            nn.ReLU(),
            nn.Linear(100, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, classes) from images of shape (n, channels, height, width) in [0, 1]."""
        logits: Tensor = self.layers(self.normalise(images))
        return logits
