"""Normalisation as a network's first layer, so that eps stays in units of pixels; statistics of usual data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from minimax_l2l.arguments import settings
from minimax_l2l.errors import require_a, require_finite, require_positive


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel, over all pixels of all training images, in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


# To four digits, of the official training set; of the digits, of the 1,257 images that `digits()` trains on.
STATISTICS = {
    "cifar10": Statistics((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": Statistics((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "svhn": Statistics((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
    "mnist": Statistics((0.1307,), (0.3081,)),
    "fashion-mnist": Statistics((0.2860,), (0.3530,)),
    "digits": Statistics((0.3060,), (0.3763,)),
}


class Normalise(nn.Module):
    """(image - mean) / std, channel by channel: `nn.Sequential(Normalise(mean, std), network)`.

    Both are buffers: they move with the network, and are saved and loaded with its weights.

    Args:
        mean: one number for each channel of images in [0, 1].
        std: one number above 0 for each channel.

    Raises:
        TypeError: if one is no list of numbers.
        ValueError: if a number lies outside [0, 1], as that of bytes does, or there are not as many in both.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values, require in (("mean", mean, require_finite), ("std", std, require_positive)):
            require_a(name, values, (list, tuple), "a list", f"pass {name}=[0.5], a number for each channel")
            numbers = [require(f"{name}[{place}]", value) for place, value in enumerate(values)]
            _require_of_pixels(name, numbers)
            self.register_buffer(name, torch.tensor(numbers)[:, None, None])
        if not len(mean) == len(std) > 0:
            raise ValueError(
                f"mean and std must have a number for each channel, got mean of {len(mean)} and std of {len(std)}; "
                "give as many as the images have channels."
            )

    def extra_repr(self) -> str:
        """How it was built."""
        return settings(self)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images of the same shape, (n, channels, height, width)."""
        if images.dim() != 4 or images.shape[1] != len(self.mean):
            raise ValueError(
                f"Normalise has mean and std of {len(self.mean)} channels, so images must have shape "
                f"(n, {len(self.mean)}, height, width), got {tuple(images.shape)}; give a number for each channel."
            )
        return (images - self.mean) / self.std


def _require_of_pixels(name: str, numbers: list[float]) -> None:
    for place, number in enumerate(numbers):
        if not 0 <= number <= 1:
            raise ValueError(
                f"{name}[{place}] must lie in [0, 1], as pixels do, got {number:g}; divide mean and std of bytes "
                "by 255."
            )
