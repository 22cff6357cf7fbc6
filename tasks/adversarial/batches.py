"""Batches of training images: from memory each a function of its number alone, or as a DataLoader gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from tasks.adversarial.data.images import Images, require_within
from tasks.adversarial.data.sources import pair

Augment = Callable[[Tensor], Tensor]


class Batch(NamedTuple):
    """Some training images, their labels, their numbers in the data set, and the run's step."""

    images: Tensor
    labels: Tensor
    indices: Tensor
    step: int


class Batches(Sequence[Batch]):
    """Every epoch in an order of its own, which depends on the seed and the epoch alone.

    Args:
        images: to train on.
        size: images per batch; the last incomplete batch of each epoch is dropped.
        epochs: passes over the images.
        seed: of the orders.
        augment: changes a batch of images at random; None leaves them.
    """

    def __init__(
        self, images: Images, size: int, *, epochs: int, seed: int, augment: Augment | None = None
    ) -> None:
        self.images, self.size, self.epochs, self.seed, self.augment = images, size, epochs, seed, augment
        self._order = -1, torch.empty(0)

    def __len__(self) -> int:
        return self.epochs * (len(self.images) // self.size)

    @overload
    def __getitem__(self, step: int) -> Batch: ...
    @overload
    def __getitem__(self, step: slice) -> list[Batch]: ...
    def __getitem__(self, step: int | slice) -> Batch | list[Batch]:
        """The batch of a step."""
        if isinstance(step, slice):
            return [self[place] for place in range(*step.indices(len(self)))]
        if not 0 <= step < len(self):
            raise IndexError(f"there are {len(self)} batches, numbered from 0, got {step}.")
        epoch, place = divmod(step, len(self.images) // self.size)
        indices = self._orders(epoch)[place * self.size : (place + 1) * self.size]
        images = self.images.pixels(indices)
        if self.augment is not None:
            images = _require_images(self.augment(images), images)
        return Batch(images, self.images.labels[indices], indices, step)

    def _orders(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
            order = torch.randperm(len(self.images), generator=generator)
            self._order = epoch, order.to(self.images.labels.device)
        return self._order[1]


class LoadedBatches:
    """The batches of a DataLoader, epoch after epoch; its random numbers depend on the seed and the epoch alone.

    Args:
        loader: of pairs (images, labels).
        classes: how many; labels lie in 0 ... classes - 1.
        epochs: passes over it.
        seed: of its order and of what its transforms draw from torch's generator.
        augment: changes a batch of images at random; None leaves them.
    """

    def __init__(
        self, loader: DataLoader[Any], classes: int, *, epochs: int, seed: int, augment: Augment | None = None
    ) -> None:
        self.loader, self.classes, self.epochs, self.seed, self.augment = loader, classes, epochs, seed, augment

    def __iter__(self) -> Iterator[Batch]:
        step = 0
        for epoch in range(self.epochs):
            seen, outside = 0, torch.get_rng_state()
            torch.manual_seed(self.seed * 100_003 + epoch)
            if isinstance(self.loader.generator, torch.Generator):
                self.loader.generator.manual_seed(self.seed * 100_003 + epoch)
            batches = iter(self.loader)
            while True:
                batch = next(batches, None)
                inside = torch.get_rng_state()
                torch.set_rng_state(outside)
                if batch is None:
                    break
                given = Images(*pair(batch))
                require_within("training", given, self.classes, given.shape)
                images = given.pixels()
                if self.augment is not None:
                    images = _require_images(self.augment(images), images)
                yield Batch(images, given.labels, torch.arange(seen, seen + len(given)), step)
                seen, step, outside = seen + len(given), step + 1, torch.get_rng_state()
                torch.set_rng_state(inside)


def _require_images(changed: Tensor, before: Tensor) -> Tensor:
    if not isinstance(changed, Tensor) or changed.shape != before.shape or changed.dtype != before.dtype:
        got = (
            f"shape {tuple(changed.shape)} and {changed.dtype}"
            if isinstance(changed, Tensor)
            else type(changed).__name__
        )
        raise ValueError(
            f"augment must return images of the shape that it is given, {tuple(before.shape)} and {before.dtype}, "
            f"got {got}."
        )
    return changed
