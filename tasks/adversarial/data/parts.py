"""A data set in three parts, and what its labels say of classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from torch import Tensor

from minimax_l2l.errors import require_a, require_count
from minimax_l2l.fingerprint import fingerprint
from tasks.adversarial.data.images import Images

MANY = 20  # training images for each class
FROM_0 = "number the classes from 0: labels - 1"


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
        TypeError: if a part is no `Images`, or another field of another kind.
        ValueError: if a label lies outside the classes, or the parts have images of different shapes.
    """

    name: str
    train: Images
    validation: Images
    test: Images
    classes: int = None  # type: ignore[assignment]
    sha256: str = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        require_a("name", self.name, str, "a string", "pass one that files may bear")
        for own in ("train", "validation", "test"):
            require_a(own, getattr(self, own), Images, "Images", f"pass {own}=Images(images, labels)")
        if self.sha256 is not None:
            require_a("sha256", self.sha256, str, "a string", "leave it out, and the images are asked")
        if self.classes is not None:
            require_count("classes", self.classes, least=1)
        else:
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
        from_1 = low > 0 and high == classes
        advice = FROM_0 if from_1 else "number the classes from 0 and give training images of each"
        raise ValueError(
            f"{name} labels must lie in 0 ... {classes - 1} for {classes} classes, got {int(low)} to {int(high)}; "
            f"{advice}."
        )
    if part.shape != shape:
        raise ValueError(f"all parts need images of one shape, got {shape} and {part.shape}; resize them.")


def numbered_from_1(labels: Tensor, classes: int) -> bool:
    """Whether class 0 never occurs and every other class does, of which there are two or more."""
    return classes > 2 and set(labels.tolist()) == set(range(1, classes))


def warn_without_class_0(labels: Tensor, classes: int) -> None:
    """Warn of training labels that are numbered from 1: one class would be empty, and nothing else would tell."""
    if numbered_from_1(labels, classes):
        warnings.warn(_without_class_0(classes), stacklevel=3)


def warn_of_empty_classes(labels: Tensor, classes: int) -> None:
    """Warn of classes without a training image, where images are so many that this is no chance."""
    empty = sorted(set(range(classes)) - set(labels.tolist()))
    if numbered_from_1(labels, classes):
        warnings.warn(_without_class_0(classes), stacklevel=3)
    elif empty and len(labels) >= MANY * classes:
        few = ", ".join(map(str, empty[:5])) + (", ..." if len(empty) > 5 else "")
        warnings.warn(
            f"{len(empty)} of {classes} classes have no training image ({few}), so these cannot be learned; give "
            "images of each, or number the classes that there are from 0 without gaps.",
            stacklevel=3,
        )


def _without_class_0(classes: int) -> str:
    return f"the training labels go from 1 to {classes - 1} and class 0 never occurs; {FROM_0}."
