"""What a task trains and validates on, in one form wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData, count_classes, require_within
from tasks.adversarial.data.sources import Source, images_of, loaded, pair


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
            return cls(data.train, data.train, _at_most(data.validation, at_most), data.classes)
        held_out = None
        if validation is not None:
            with _own_numbers(validation):
                held_out = _at_most(images_of(validation, part="validation"), at_most)
        if isinstance(data, DataLoader):
            with _own_numbers(data):
                _require_renewed(data)
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


def _at_most(images: Images, count: int | None) -> Images:
    return images if count is None else images.some(count)


@contextmanager
def _own_numbers(source: object) -> Iterator[None]:
    """Read it in the same order in every process; its and torch's random numbers stay where they were."""
    generator = getattr(source, "generator", None)
    own = generator.get_state() if isinstance(generator, torch.Generator) else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if isinstance(generator, torch.Generator):
            generator.manual_seed(0)
        yield
    if isinstance(generator, torch.Generator) and own is not None:
        generator.set_state(own)


def _require_renewed(loader: DataLoader[Any]) -> None:
    """Refuse a loader one of whose parts returns the same iterator whenever it is asked for one."""
    for name in ("dataset", "sampler", "batch_sampler"):
        part = getattr(loader, name)
        if isinstance(part, Iterable) and iter(part) is iter(part):
            raise ValueError(
                f"the DataLoader's {name} gives the same {type(iter(part)).__name__} in every epoch, which is used "
                "up after the first; let it begin anew whenever it is asked, as a list does."
            )


def _first_of(loader: DataLoader[Any]) -> Images:
    batch = next(loaded(loader), None)
    if batch is None:
        raise ValueError("the DataLoader has no batch; give it images, and drop_last=False if they are few.")
    return Images(*pair(batch))
