"""What a task trains and validates on, in one form wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from tasks.adversarial.data.images import ImageData, Images, count_classes, require_within
from tasks.adversarial.data.sources import Source, images_of, pair


@dataclass(frozen=True)
class TrainingData:
    """Images to train on, in memory or in a DataLoader, and some to validate on.

    Attributes:
        train: all images, or the loader that is asked for them in every epoch.
        example: some of them, by which a classifier can be tried.
        validation: None if there are none.
        classes: how many; None if only the classifier knows.
    """

    train: Images | DataLoader[Any]
    example: Images
    validation: Images | None
    classes: int | None

    @classmethod
    def of(cls, data: ImageData | Source, validation: Source | None, *, at_most: int | None = None) -> TrainingData:
        """Read what the user gave, and keep at most so many images to validate on, chosen at random.

        Raises:
            TypeError: if it is of no kind that can be read.
            ValueError: if there is nothing in it, or its parts do not go together.
        """
        if isinstance(data, ImageData):
            if validation is not None:
                raise ValueError("ImageData has a validation part of its own; leave validation out.")
            return cls(data.train, data.train, _some(data.validation, at_most), data.classes)
        held_out = _some(images_of(validation, part="validation"), at_most) if validation is not None else None
        if isinstance(data, DataLoader):
            made = cls(data, _first_of(data), held_out, None)
        else:
            train = images_of(data, part=None)
            made = cls(train, train, held_out, count_classes(train.labels))
            require_within("training", train, count_classes(train.labels), train.shape)
        if held_out is not None:
            classes = made.classes if made.classes is not None else count_classes(held_out.labels)
            require_within("validation", held_out, classes, made.example.shape)
        return made

    @property
    def sha256(self) -> str | None:
        """A checksum of the images in memory; None if a loader has them."""
        return self.train.sha256 if isinstance(self.train, Images) else None

    def batches_per_epoch(self, size: int) -> int | None:
        """How many batches of so many images an epoch has; None if the loader does not say."""
        if isinstance(self.train, Images):
            return len(self.train) // size
        try:
            return len(self.train)
        except TypeError:  # of an iterable data set without a length
            return None


def _some(images: Images, at_most: int | None) -> Images:
    if at_most is None or len(images) <= at_most:
        return images
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return images.at(order[:at_most].sort().values)


def _first_of(loader: DataLoader[Any]) -> Images:
    """The first batch; the loader's and torch's random numbers stay where they were."""
    own = loader.generator.get_state() if isinstance(loader.generator, torch.Generator) else None
    with torch.random.fork_rng(devices=[]):
        batch = next(iter(loader), None)
    if own is not None:
        loader.generator.set_state(own)
    if batch is None:
        raise ValueError("the DataLoader has no batch; give it images, and drop_last=False if they are few.")
    return Images(*pair(batch))
