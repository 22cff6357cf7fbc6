"""Labelled images in [0, 1], checked once at the door; scikit-learn's digits as the embedded default."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minimax_l2l.extras import require_extra

SPLIT_SEED = 0
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


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


def digits() -> ImageData:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels: 1,257 to train on, 180 to choose on, 360 to report.

    They ship with scikit-learn, so nothing is downloaded. Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998; the split is fixed.
    """
    datasets = require_extra("sklearn.datasets", extra="vision", purpose="the digits data set")
    bunch = datasets.load_digits()
    images = torch.tensor(bunch.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(bunch.target, dtype=torch.int64)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SPLIT_SEED))
    test, validation, train = order[:360], order[360:540], order[540:]
    return ImageData(
        name="digits",
        train=Images(images[train], labels[train]),
        validation=Images(images[validation], labels[validation]),
        test=Images(images[test], labels[test]),
        classes=10,
        sha256=_sha256(bunch.images.tobytes() + bunch.target.astype(np.int64).tobytes()),
    )


def from_npz(path: Path | str, *, classes: int | None = None) -> ImageData:
    """Your own images, from a NumPy archive with the arrays x_train, y_train, x_test and y_test.

    The last tenth of the training images (a fixed random tenth) becomes the validation part.

    Args:
        path: the archive; pickled arrays in it are refused.
        classes: how many; the largest training label plus one if None.

    Returns:
        Images of shape (n, channels, height, width): bytes are divided by 255, floats must lie in [0, 1]
        already; grey images may come as (n, height, width) or (n, height, width, 1), colour ones as
        (n, height, width, 3).

    Raises:
        ValueError: if the file is missing or damaged, lacks an array, or `Images` refuses what is in it.
        TypeError: if labels are not whole numbers.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {file}; give a NumPy archive with x_train, y_train, x_test and y_test.")
    try:
        with zipfile.ZipFile(file), np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ARRAYS if name in archive.files}
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is no readable NumPy archive ({error}); write it with numpy.savez.") from error
    if missing := [name for name in ARRAYS if name not in arrays]:
        raise ValueError(
            f"{file} has no array {' or '.join(missing)}; it needs x_train, y_train, x_test and y_test."
        )
    train = Images(_image_tensor(arrays["x_train"]), _label_tensor("y_train", arrays))
    test = Images(_image_tensor(arrays["x_test"]), _label_tensor("y_test", arrays))
    if len(train) < 10:
        raise ValueError(f"{file} holds {len(train)} training images; at least 10 are needed to set some apart.")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SPLIT_SEED))
    held_out, kept = order[: len(train) // 10], order[len(train) // 10 :]
    return ImageData(
        name=file.stem,
        train=Images(train.images[kept], train.labels[kept]),
        validation=Images(train.images[held_out], train.labels[held_out]),
        test=test,
        classes=classes if classes is not None else _count_classes(train.labels),
        sha256=_sha256(file.read_bytes()),
    )


def _count_classes(labels: Tensor) -> int:
    classes = max(int(labels.max()), 0) + 1
    if classes > len(labels):
        raise ValueError(
            f"the largest label is {classes - 1}, but there are only {len(labels)} training images; number the "
            "classes from 0 without gaps."
        )
    return classes


def _label_tensor(name: str, arrays: Mapping[str, np.ndarray]) -> Tensor:
    labels = arrays[name]
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"the labels {name} must be whole numbers, got an array of {labels.dtype}; number the classes from 0 "
            f"and save {name}.astype(int)."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _image_tensor(array: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(array)
    tensor = tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor
    if tensor.is_floating_point():
        tensor = tensor.float()
    if tensor.dim() == 3:
        return tensor[:, None]
    colours_last = tensor.dim() == 4 and tensor.shape[-1] in (1, 3) and tensor.shape[1] not in (1, 3)
    return tensor.movedim(-1, 1).contiguous() if colours_last else tensor


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
