"""Images wherever they come from: tensors, arrays, a torch Dataset, a DataLoader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from inspect import isfunction
from numbers import Number
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from minimax_l2l.errors import told
from tasks.adversarial.data.images import CHANNELS, Images, as_tensor
from tasks.adversarial.data.parts import ImageData

Source = Images | Dataset[Any] | DataLoader[Any] | tuple[Any, Any] | list[tuple[Any, Any]]
Part = Literal["train", "validation", "test"]
PLAIN = ("L", "RGB")  # Pillow's modes whose bytes are levels of grey, and of red, green and blue


def as_images(source: Source) -> Images:
    """Labelled images read into memory once.

    Args:
        source: `Images`; a pair (images, labels) of tensors or arrays; a Dataset or a list of pairs (image, label),
            whose images are tensors (channels, height, width), or pictures and arrays (height, width) or (height,
            width, channels); a DataLoader of such. Transforms are applied once: hand a DataLoader itself to
            `AdversarialTraining` where they are random and should be so in every epoch.

    Raises:
        TypeError: if it is something else.
        ValueError: if its images are of several shapes or dtypes, or `Images` refuses them.
    """
    return images_of(source, part="test")


def images_of(source: Source, *, part: Part | None) -> Images:
    """`as_images` where one part of a data set is wanted, or all of it if None: that is what a refusal advises."""
    if isinstance(source, Images):
        return source
    if _is_of_pairs(source):
        return _of_items(source)
    if isinstance(source, tuple | list) and len(source) == 2:
        return Images(*source)
    if (
        isinstance(source, tuple | list)
        and source
        and all(isinstance(item, tuple | list | dict) for item in source)
    ):
        return _of_items(source)  # which are no pairs, and are told so
    if isinstance(source, DataLoader):
        return _joined([Images(*pair(batch)) for batch in loaded(source)])
    if isinstance(source, Dataset):
        return _of_items(source)
    raise TypeError(
        "images must come as Images, a pair (images, labels), a torch Dataset or a DataLoader, got "
        f"{_seen(source)}; {_towards_images(source, '' if part is None else f'.{part}')}."
    )


def _towards_images(source: object, part: str) -> str:
    if isinstance(source, str | Path):
        return f"of a NumPy archive pass from_npz({str(source)!r}){part}"
    if isinstance(source, ImageData):
        return f"pass one part of it: data{part}"
    if isfunction(source) and source.__name__.isidentifier():
        call = f"{source.__name__}()"
        return f"pass what it returns: {call}" + (part and f", or {call}{part} of ImageData")
    return "pass (images, labels)"


def _is_of_pairs(source: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a list of pairs (image, label), and not a pair (images, labels)."""
    return (
        isinstance(source, tuple | list)
        and bool(source)
        and all(isinstance(item, tuple | list) and len(item) == 2 for item in source)
        and all(isinstance(label, Number | str) or getattr(label, "ndim", None) == 0 for _, label in source)
        and not any(isinstance(image, Number | str) for image, _ in source)
    )


def loaded(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a DataLoader, as it gives them.

    Raises:
        TypeError: if its items are of a kind that it cannot put into a batch.
        ValueError: if they are of several shapes.
    """
    batch = -1
    try:
        for batch, given in enumerate(loader):  # noqa: B007 - the number is told below
            yield given
    except (TypeError, RuntimeError) as error:
        if found := re.search(r"batch must contain tensors, .*found (?:<class ')?([\w.]+)", str(error)):
            raise TypeError(
                f"a DataLoader makes batches of tensors and numbers, got {found[1]} in its items; let the data set "
                "return pairs (image, label), its transform make a tensor of each picture, such as torchvision's "
                "ToTensor(), and labels be whole numbers."
            ) from error
        if "each element in list" in str(error):
            raise TypeError(
                f"each item of the data must be a pair (image, label), and those of batch {batch + 1} have "
                "different lengths; let the data set's __getitem__ return such pairs alone."
            ) from error
        if found := re.search(r"stack expects each tensor.*|resize storage.*", str(error)):
            raise ValueError(
                f"the images of batch {batch + 1} must be of one shape, and torch says: {found[0]}; resize them in "
                "the data set's transform, such as torchvision's Resize((32, 32)), and make all of them RGB or all "
                "grey."
            ) from error
        raise


def pair(item: Any, place: int | None = None) -> tuple[Any, Any]:
    """The image and the label of an item, or of a batch of them.

    Args:
        item: what should be a pair.
        place: its number, if it has one.

    Raises:
        TypeError: if it is no pair.
    """
    if not isinstance(item, tuple | list) or len(item) != 2:
        alone = isinstance(item, Tensor | np.ndarray) or (isinstance(item, tuple | list) and len(item) == 1)
        advice = (
            "give the labels as well, as TensorDataset(images, labels) does"
            if alone
            else "wrap the data set in one whose __getitem__ returns such pairs"
        )
        raise TypeError(
            f"each item of the data must be a pair (image, label), got {_seen(item)}"
            f"{'' if place is None else f' at item {place}'}; {advice}."
        )
    return item[0], item[1]


def _seen(item: object) -> str:
    """What was given; of a short tuple or list, of what."""
    if isinstance(item, tuple | list) and len(item) < 5:
        return f"a {type(item).__name__} of {len(item)} ({', '.join(type(part).__name__ for part in item)})"
    return told(item)


def _of_items(items: Dataset[Any] | Sequence[Any]) -> Images:
    pairs = [pair(item, place) for place, item in enumerate(_each(items))]
    if not pairs:
        raise ValueError("the data set is empty; give one with images.")
    images = [_channels_first(image, place) for place, (image, _) in enumerate(pairs)]
    _require_alike("item", images)
    labels = [label.item() if getattr(label, "ndim", None) == 0 else label for _, label in pairs]
    return Images(torch.stack(images), labels)


def _joined(parts: list[Images]) -> Images:
    if not parts:
        raise ValueError("the DataLoader has no batch; give it images, and drop_last=False if they are few.")
    _require_alike("an image of batch", [part.images[0] for part in parts])
    return Images(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))


def _require_alike(what: str, images: Sequence[Tensor]) -> None:
    """Refuse images of several shapes or dtypes; `what` is numbered from 0."""
    first = images[0]
    for place, other in enumerate(images):
        if (other.shape, other.dtype) == (first.shape, first.dtype):
            continue
        raise ValueError(
            f"all images must be of one shape and dtype, got {what} 0 of {_form(first)} and {what} {place} of "
            f"{_form(other)}; {_towards_alike(first, other)}."
        )


def _form(image: Tensor) -> str:
    return f"shape {tuple(image.shape)} and {image.dtype}"


def _towards_alike(first: Tensor, other: Tensor) -> str:
    if first.shape == other.shape:
        return "return all of them as bytes, or all as floating point in [0, 1]"
    if first.shape[1:] == other.shape[1:] and len(first) != len(other):
        return (
            "their numbers of channels differ, so make all of them RGB, by picture.convert('RGB') of pictures or "
            "image.expand(3, -1, -1) of grey tensors"
        )
    return "resize them in the data set's transform, such as torchvision's Resize((32, 32))"


def _each(items: Dataset[Any] | Sequence[Any]) -> Iterator[Any]:
    if hasattr(items, "__len__") and not isinstance(items, IterableDataset):
        return (items[place] for place in range(len(items)))
    if not isinstance(items, Iterable):
        raise TypeError(
            f"a data set that is read must have a length, {type(items).__name__} has none; give it a __len__, or "
            "derive it from torch.utils.data.IterableDataset."
        )
    return iter(items)


def _channels_first(image: Any, place: int) -> Tensor:
    if isinstance(image, Tensor):
        return as_tensor("images", image)
    mode = getattr(image, "mode", None) if hasattr(image, "convert") else None  # Pillow's
    if mode not in (None, *PLAIN):
        raise ValueError(
            f"item {place} is a picture of Pillow's mode {mode}, whose numbers are no levels of grey or of red, "
            "green and blue; make all pictures RGB, by picture.convert('RGB')."
        )
    array = as_tensor("images", np.array(image))  # a picture: bytes, (height, width) or (height, width, channels)
    if array.dim() == 2:
        return array[None]
    if array.dim() != 3 or array.shape[-1] not in CHANNELS:
        raise ValueError(
            "images of a data set that are no tensors must have shape (height, width) or (height, width, "
            f"channels), with 1 or 3 channels, got {tuple(array.shape)} at item {place}; return tensors (channels, "
            "height, width), or arrays of such a shape."
        )
    return array.movedim(-1, 0)
