"""Labelled images in [0, 1], checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Images:
    """Images and their labels.

    Attributes:
        images: shape (n, channels, height, width), floating point, in [0, 1].
        labels: shape (n,), int64.

    Raises:
        TypeError: if images are not floating point, or labels are not whole numbers.
        ValueError: on another shape, on values outside [0, 1], on NaN.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if not self.images.is_floating_point():
            raise TypeError(
                f"images must be floating point in [0, 1], got {self.images.dtype}; divide by 255 for bytes."
            )
        if self.images.dim() != 4 or not len(self.images):
            raise ValueError(
                f"images must have shape (n, channels, height, width) with n >= 1, got {tuple(self.images.shape)}; "
                "add the channel dimension to grey images."
            )
        if bool(self.images.isnan().any()):
            bad = int(self.images.isnan().flatten(1).any(1).sum())
            raise ValueError(f"{bad} of {len(self.images)} images hold NaN pixels; drop or repair them.")
        low, high = self.images.aminmax()
        if low < 0 or high > 1:
            raise ValueError(
                f"images must lie in [0, 1], got values from {low:.4g} to {high:.4g}; rescale them, and "
                "normalise inside the classifier, so that eps keeps its meaning."
            )
        if self.labels.is_floating_point() or self.labels.is_complex() or self.labels.dtype == torch.bool:
            raise TypeError(f"labels must be whole numbers, got {self.labels.dtype}; convert them with .long().")
        if self.labels.shape != (len(self.images),):
            raise ValueError(
                f"{len(self.images)} images need labels of shape ({len(self.images)},), "
                f"got {tuple(self.labels.shape)}."
            )
        object.__setattr__(self, "labels", self.labels.long())

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> Images:
        """The same on a device."""
        return Images(self.images.to(device), self.labels.to(device))

    def first(self, count: int) -> Images:
        """The first `count` images."""
        return Images(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class ImageData:
    """A data set split in three; nothing is ever chosen on the test part.

    Attributes:
        name: short name that result files use.
        train: what theta and phi are trained on.
        validation: what settings are chosen on.
        test: what is reported.
        classes: how many; labels lie in 0 ... classes - 1.
        sha256: of the source's bytes, for result files.

    Raises:
        ValueError: if a label lies outside the classes, or the parts have images of different shapes.
    """

    name: str
    train: Images
    validation: Images
    test: Images
    classes: int
    sha256: str

    def __post_init__(self) -> None:
        for name, part in (("training", self.train), ("validation", self.validation), ("test", self.test)):
            low, high = part.labels.aminmax()
            if low < 0 or high >= self.classes:
                raise ValueError(
                    f"{name} labels must lie in 0 ... {self.classes - 1} for {self.classes} classes, got "
                    f"{int(low)} to {int(high)}; number the classes from 0 and give training images of each."
                )
            if part.images.shape[1:] != self.train.images.shape[1:]:
                raise ValueError(
                    f"all parts need images of one shape, got {tuple(self.train.images.shape[1:])} and "
                    f"{tuple(part.images.shape[1:])}; resize them."
                )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width
