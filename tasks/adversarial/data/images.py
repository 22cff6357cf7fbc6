"""Labelled images, checked once at the door and kept as they came: bytes as bytes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minimax_l2l.arguments import Shown
from minimax_l2l.errors import told
from minimax_l2l.fingerprint import fingerprint

CHANNELS = (1, 3)
MOST_LAST = 4  # no picture is so narrow: a last dimension of 1 to 4 beside more channels is that of the channels
CHANNELS_FIRST = "channels come first: give images.permute(0, 3, 1, 2), or of an array images.transpose(0, 3, 1, 2)"
REMEDIES = {
    "images": "stack them with torch.stack or numpy.stack, and give sparse ones as images.to_dense()",
    "labels": "number the classes from 0, as numpy.unique(labels, return_inverse=True)[1] does",
}
DARK = 16  # of 255 levels: 1 is the white of binary images, 16 that of scikit-learn's digits


class Images(Shown):
    """Images and their labels.

    Args:
        images: shape (n, channels, height, width); bytes from 0 to 255 (uint8), or floating point in [0, 1]. A
            tensor, or an array. They are shared, not copied.
        labels: shape (n,), whole numbers from 0.

    Raises:
        TypeError: if images are neither bytes nor floating point, or labels are not whole numbers.
        ValueError: on another shape, such as one with the channels last; on values outside [0, 1], on NaN.

    Warns:
        UserWarning: if no byte is above 16, as where white is 1 and not 255.
    """

    def __init__(self, images: Any, labels: Any) -> None:
        self.images = _require_pixels(as_tensor("images", images))
        self.labels = _require_labels(as_tensor("labels", labels), len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def most_frequent(self) -> float:
        """How large a share of them has the most frequent label: what one answer for all gets right."""
        return self.labels.bincount().max().item() / len(self)

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

    def some(self, count: int) -> Images:
        """At most `count` of them, chosen at random, the same ones every time, in the order they have."""
        if len(self) <= count:
            return self
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(0))
        return self.at(order[:count].sort().values)

    def to(self, device: torch.device) -> Images:
        """The same on a device."""
        return self._of(self.images.to(device), self.labels.to(device))

    @classmethod
    def _of(cls, images: Tensor, labels: Tensor) -> Images:
        """Without the checks, which these have passed."""
        made = cls.__new__(cls)
        made.images, made.labels = images, labels
        return made


def as_tensor(name: str, value: Any) -> Tensor:
    """What can be read as a dense tensor of numbers.

    Args:
        name: `"images"` or `"labels"`.
        value: what was given.

    Raises:
        TypeError: if it cannot.
    """
    if isinstance(value, list | tuple) and any(isinstance(one, Tensor | np.ndarray) and one.ndim for one in value):
        raise TypeError(
            f"{name} must be a tensor or an array of numbers, got a {type(value).__name__} of {len(value)}; "
            f"pass torch.stack({name}) or numpy.stack({name})."
        )
    if isinstance(value, np.ma.MaskedArray):
        advice = "pass images.filled(0), say" if name == "images" else REMEDIES[name]
        raise TypeError(f"{name} must hold a value at every place, got a masked array; {advice}.")
    if isinstance(value, np.ndarray) and not _is_native(value):
        value = np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*not writable")  # of a memory map, say: nobody writes to images
            found = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name} must be a tensor or an array of numbers, got {told(value)} ({error}); {REMEDIES[name]}."
        ) from error
    if found.layout != torch.strided or found.is_meta or found.is_nested:
        kind = "meta" if found.is_meta else "nested" if found.is_nested else str(found.layout)
        raise TypeError(f"{name} must be a dense tensor that holds values, got a {kind} one; {REMEDIES[name]}.")
    return found.detach()


def _is_native(array: np.ndarray) -> bool:
    """Whether torch can share its memory: in this machine's byte order, and not read backwards."""
    return array.dtype.isnative and all(stride >= 0 for stride in array.strides)


def _require_pixels(images: Tensor) -> Tensor:
    if not images.is_floating_point() and images.dtype != torch.uint8:
        raise TypeError(
            f"images must be bytes (uint8, 0 to 255) or floating point in [0, 1], got {images.dtype}; "
            f"{_towards_pixels(images.dtype)}."
        )
    if images.dim() != 4 or not images.numel():
        raise ValueError(
            f"images must have shape (n, channels, height, width) with n >= 1, got {tuple(images.shape)}; "
            f"{_towards_batch(images)}."
        )
    channels, _, last = images.shape[1:]
    if channels not in CHANNELS and last <= MOST_LAST < channels:
        raise ValueError(
            f"images must have shape (n, channels, height, width), got {tuple(images.shape)}, which would be "
            f"{channels} channels; {CHANNELS_FIRST}."
        )
    if images.dtype == torch.uint8:
        _warn_of_nearly_black(images)
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
    return images


def _warn_of_nearly_black(images: Tensor) -> None:
    """Warn of bytes that are probably no levels from 0 to 255; the first bright pixel ends the search."""
    brightest = 0
    for part in torch.split(images, 256):
        brightest = max(brightest, int(part.max()))
        if brightest > DARK:
            return
    if brightest:
        warnings.warn(
            f"the brightest pixel of {len(images)} images is {brightest}, and bytes (uint8) go from 0 to 255, so "
            f"all are nearly black; where {brightest} is white, pass images / {brightest}.0, which lie in [0, 1].",
            stacklevel=4,
        )


def _towards_pixels(dtype: torch.dtype) -> str:
    if dtype == torch.uint16:
        return "of 16-bit pictures pass images / 65535.0"
    if dtype == torch.bool or dtype.is_complex:
        return "pass images.float() of black and white ones, and the real parts of complex ones"
    return "of whole numbers from 0 to 255 pass numpy.uint8(images), or images.to(torch.uint8) of a tensor"


def _towards_batch(images: Tensor) -> str:
    if not images.numel():
        return "there are no pixels in it, give at least one image"
    if images.dim() == 3:
        return "of one image pass images[None], of grey ones without channels images[:, None]"
    return "images of the same shape are stacked with torch.stack or numpy.stack"


def _require_labels(labels: Tensor, count: int) -> Tensor:
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be whole numbers, got {labels.dtype}; {_towards_labels(labels, count)}.")
    if labels.shape != (count,):
        raise ValueError(
            f"{count} images need labels of shape ({count},), got {tuple(labels.shape)}; "
            f"{_towards_labels(labels, count)}."
        )
    return labels.long()


def _towards_labels(labels: Tensor, count: int) -> str:
    if labels.shape == (count,):
        return "pass labels.long() of a tensor or labels.astype(int) of an array if they are numbers of classes"
    if labels.shape == (count, 1):
        return "pass labels[:, 0]"
    if labels.shape == (1, count):
        return "pass labels[0]"
    if labels.dim() == 2 and len(labels) == count:
        return f"pass labels{'.int()' if labels.dtype == torch.bool else ''}.argmax(1) of one-hot ones"
    return "pass the number of its class for each image"
