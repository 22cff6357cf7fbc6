"""Batches of training images, each a function of its number alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import torch
from torch import Tensor

from tasks.adversarial.data.images import Images


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
    """

    def __init__(self, images: Images, size: int, *, epochs: int, seed: int) -> None:
        self.images, self.size, self.epochs, self.seed = images, size, epochs, seed
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
        return Batch(self.images.images[indices], self.images.labels[indices], indices, step)

    def _orders(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
            self._order = epoch, torch.randperm(len(self.images), generator=generator)
        return self._order[1]
