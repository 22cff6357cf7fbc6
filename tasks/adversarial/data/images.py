"""Labelled images, checked once at the door and kept as they came: bytes as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from minimax_l2l.fingerprint import fingerprint


class Images:
    """Images and their labels.

    Args:
        images: shape (n, channels, height, width); bytes from 0 to 255 (uint8), or floating point in [0, 1]. A
            tensor, or an array. They are shared, not copied.
        labels: shape (n,), whole numbers from 0.

    Raises:
        TypeError: if images are neither bytes nor floating point, or labels are not whole numbers.
        ValueError: on another shape, on values outside [0, 1], on NaN.
    """

    def __init__(self, images: Any, labels: Any) -> None:
        self.images = _require_pixels(_tensor("images", images))
        self.labels = _require_labels(_tensor("labels", labels), len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def sha256(self) -> str:
        """A checksum of pixels and labels."""
        return fingerprint([self.images, self.labels])

    def pixels(self, places: Tensor | slice = slice(None)) -> Tensor:
        """Some images as a network takes them: floating point in [0, 1], in memory of their own."""
        chosen = self.images[places]
        if chosen.dtype == torch.uint8:
            return chosen.float() / 255
        return chosen.clone() if isinstance(places, slice) else chosen

    def at(self, places: Tensor | slice) -> Images:
        """Some of them."""
        return self._of(self.images[places], self.labels[places])

    def first(self, count: int) -> Images:
        """The first `count` images."""
        return self.at(slice(count))

    def to(self, device: torch.device) -> Images:
        """The same on a device."""
        return self._of(self.images.to(device), self.labels.to(device))

    @classmethod
    def _of(cls, images: Tensor, labels: Tensor) -> Images:
        """Without the checks, which these have passed."""
        made = cls.__new__(cls)
        made.images, made.labels = images, labels
        return made


@dataclass(frozen=True)
class ImageData:
    """A data set split in three; nothing is ever chosen on the test part.

    Attributes:
        name: short name that result files use.
        train: what theta and phi are trained on.
        validation: what settings are chosen on.
        test: what is reported.
        classes: how many; labels lie in 0 ... classes - 1. One more than the largest training label if None.
        sha256: of the source's bytes, for result files; of the images themselves if None.

    Raises:
        ValueError: if a label lies outside the classes, or the parts have images of different shapes.
    """

    name: str
    train: Images
    validation: Images
    test: Images
    classes: int = None  # type: ignore[assignment]
    sha256: str = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.classes is None:
            object.__setattr__(self, "classes", count_classes(self.train.labels))
        for name, part in (("training", self.train), ("validation", self.validation), ("test", self.test)):
            require_within(name, part, self.classes, self.train.shape)
        if self.sha256 is None:
            parts = (self.train, self.validation, self.test)
            whole = fingerprint(tensor for part in parts for tensor in (part.images, part.labels))
            object.__setattr__(self, "sha256", whole)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        return self.train.shape


def count_classes(labels: Tensor) -> int:
    """One more than the largest label.

    Raises:
        ValueError: if that is more than there are images: those are no numbers of classes.
    """
    classes = max(int(labels.max()), 0) + 1
    if classes > len(labels):
        raise ValueError(
            f"the largest label is {classes - 1}, but there are only {len(labels)} training images; number the "
            "classes from 0 without gaps, or say how many there are with classes=."
        )
    return classes


def require_within(name: str, part: Images, classes: int, shape: tuple[int, int, int]) -> None:
    """Refuse a part of a data set that does not go with the rest.

    Raises:
        ValueError: if a label lies outside the classes, or the images have another shape.
    """
    low, high = part.labels.aminmax()
    if low < 0 or high >= classes:
        raise ValueError(
            f"{name} labels must lie in 0 ... {classes - 1} for {classes} classes, got {int(low)} to {int(high)}; "
            "number the classes from 0 and give training images of each."
        )
    if part.shape != shape:
        raise ValueError(f"all parts need images of one shape, got {shape} and {part.shape}; resize them.")


def _tensor(name: str, value: Any) -> Tensor:
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name} must be a tensor or an array of numbers, got {type(value).__name__} ({error}); stack them "
            "with torch.stack or numpy.stack."
        ) from error


def _require_pixels(images: Tensor) -> Tensor:
    if not images.is_floating_point() and images.dtype != torch.uint8:
        raise TypeError(
            f"images must be bytes (uint8, 0 to 255) or floating point in [0, 1], got {images.dtype}; turn whole "
            "numbers from 0 to 255 into bytes, and divide others by the largest that they can be."
        )
    if images.dim() != 4 or not images.numel():
        raise ValueError(
            f"images must have shape (n, channels, height, width) with n >= 1, got {tuple(images.shape)}; "
            "add the channel dimension to grey images."
        )
    if images.dtype == torch.uint8:
        return images
    if bool(images.isnan().any()):
        bad = int(images.isnan().flatten(1).any(1).sum())
        raise ValueError(f"{bad} of {len(images)} images hold NaN pixels; drop or repair them.")
    low, high = images.aminmax()
    if low < 0 or high > 1:
        raise ValueError(
            f"images must lie in [0, 1], got values from {low:.4g} to {high:.4g}; rescale them, and "
            "normalise inside the classifier, so that eps keeps its meaning."
        )
    return images.detach()


def _require_labels(labels: Tensor, count: int) -> Tensor:
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be whole numbers, got {labels.dtype}; convert them with .long().")
    if labels.shape != (count,):
        raise ValueError(f"{count} images need labels of shape ({count},), got {tuple(labels.shape)}.")
    return labels.long()
