"""Batches of training images: from memory each a function of its number alone, or as a DataLoader gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from minimax_l2l.errors import told
from tasks.adversarial.data.augmentation import CropAndFlip, Placement
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import require_within, warn_without_class_0
from tasks.adversarial.data.sources import loaded, pair

Augment = CropAndFlip | Callable[[Tensor], Tensor]


class Batch(NamedTuple):
    """Some training images, their labels, their numbers in the data set, and the run's step.

    With `CropAndFlip` they are cropped and flipped already, and `placement` says how.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor
    step: int
    placement: Placement | None = None


class Batches(Sequence[Batch]):
    """Every epoch in an order of its own, which depends on the seed and the epoch alone.

    Args:
        images: to train on.
        size: images per batch; the last incomplete batch of each epoch is dropped.
        epochs: how often each image is met in all.
        seed: of the orders.
        augment: `CropAndFlip()`, or a function that changes a batch of images at random; None leaves them.
        replays: how often a batch is met in a row, changed once; the last pass over the images has as many as are
            left.
    """

    def __init__(
        self,
        images: Images,
        size: int,
        *,
        epochs: int,
        seed: int,
        augment: Augment | None = None,
        replays: int = 1,
    ) -> None:
        self.images, self.size, self.epochs, self.seed, self.augment = images, size, epochs, seed, augment
        self.replays = replays
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
        turn, place = divmod(step, self.replays * (len(self.images) // self.size))
        replays = min(self.replays, self.epochs - turn * self.replays)
        place, replay = divmod(place, replays)
        indices = self._orders(turn)[place * self.size : (place + 1) * self.size]
        made = Batch(self.images.pixels(indices), self.images.labels[indices], indices, step - replay)
        return augmented(made, self.augment, self.seed)._replace(step=step)

    def _orders(self, turn: int) -> Tensor:
        if self._order[0] != turn:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + turn)
            order = torch.randperm(len(self.images), generator=generator)
            self._order = turn, order.to(self.images.labels.device)
        return self._order[1]


class LoadedBatches:
    """The batches of a DataLoader, epoch after epoch; its random numbers depend on the seed and the epoch alone.

    Args:
        loader: of pairs (images, labels).
        tried: how many classes there are, by the classifier, which must take the images; asked of each new shape.
        epochs: how often each image is met in all.
        seed: of its order and of what its transforms draw from torch's generator.
        augment: `CropAndFlip()`, or a function that changes a batch of images at random; None leaves them.
        replays: how often a batch is met in a row; see `Batches`.
    """

    def __init__(
        self,
        loader: DataLoader[Any],
        tried: Callable[[Images], int],
        *,
        epochs: int,
        seed: int,
        augment: Augment | None = None,
        replays: int = 1,
    ) -> None:
        self.loader, self.tried, self.epochs, self.seed, self.augment = loader, tried, epochs, seed, augment
        self.replays = replays

    def __iter__(self) -> Iterator[Batch]:
        step, seen_labels, classes = 0, set[int](), dict[tuple[int, int, int], int]()
        for turn, met in enumerate(range(0, self.epochs, self.replays)):
            seen, outside = 0, torch.get_rng_state()
            torch.manual_seed(self.seed * 100_003 + turn)
            if isinstance(self.loader.generator, torch.Generator):
                self.loader.generator.manual_seed(self.seed * 100_003 + turn)
            batches = loaded(self.loader)
            while True:
                batch = next(batches, None)
                inside = torch.get_rng_state()
                torch.set_rng_state(outside)
                if batch is None:
                    break
                given = Images(*pair(batch))
                seen_labels.update(given.labels.tolist())
                if given.shape not in classes:
                    classes[given.shape] = self.tried(given)
                require_within("training", given, classes[given.shape], given.shape)
                places = torch.arange(seen, seen + len(given), device=given.labels.device)
                made = augmented(Batch(given.pixels(), given.labels, places, step), self.augment, self.seed)
                for _ in range(min(self.replays, self.epochs - met)):
                    yield made._replace(step=step)
                    step += 1
                seen, outside = seen + len(given), torch.get_rng_state()
                torch.set_rng_state(inside)
            if not seen:
                raise ValueError(
                    f"the DataLoader has no batch in epoch {turn + 1}, as an iterator that is used up; let its "
                    "data set and its sampler begin anew whenever they are asked, as an __iter__ with yield does."
                )
            if turn == 0:
                warn_without_class_0(torch.tensor(list(seen_labels)), max(classes.values(), default=0))


def augmented(batch: Batch, augment: Augment | None, seed: int) -> Batch:
    """The batch with its images changed; with their placement, if they were cropped and flipped."""
    if augment is None:
        return batch
    if isinstance(augment, CropAndFlip):
        placement = augment.draw(batch.indices, seed=seed, step=batch.step)
        return batch._replace(images=placement.apply(batch.images), placement=placement)
    return batch._replace(images=_require_images(augment(batch.images), batch.images))


def try_augment(augment: Augment, images: Tensor) -> None:
    """Try it on some images; torch's random numbers stay where they were.

    Raises:
        TypeError: if it cannot be called so, or returns no tensor.
        ValueError: if it returns images of another shape or dtype, values outside [0, 1], or nothing of them.
    """
    if isinstance(augment, CropAndFlip):
        if augment.padding >= min(images.shape[2:]):
            raise ValueError(
                f"augment pads by {augment.padding} pixels, so that nothing may be left of images of "
                f"{images.shape[2]} x {images.shape[3]} pixels; pass CropAndFlip(padding=1), say."
            )
        return
    if not callable(augment):
        raise TypeError(
            f"augment must be CropAndFlip() or a function of a batch of images, got {told(augment)}; leave it out "
            "for none."
        )
    try:
        with torch.random.fork_rng():
            changed = augment(images.clone())
    except Exception as error:  # a stranger's function may raise anything
        raise TypeError(
            f"augment cannot take images of shape {tuple(images.shape)}; it said {type(error).__name__}: {error}"
        ) from error
    low, high = _require_images(changed, images).aminmax()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"augment must return images in [0, 1], got values from {low:.4g} to {high:.4g}; clamp them, and "
            "normalise inside the classifier."
        )


def _require_images(changed: Tensor, before: Tensor) -> Tensor:
    if not isinstance(changed, Tensor):
        raise TypeError(f"augment must return a batch of images, got {told(changed)}; let it return the tensor.")
    if changed.shape != before.shape or changed.dtype != before.dtype or changed.device != before.device:
        raise ValueError(
            f"augment must return images as it is given them, of shape {tuple(before.shape)}, {before.dtype} on "
            f"{before.device}, got shape {tuple(changed.shape)}, {changed.dtype} on {changed.device}."
        )
    return changed
