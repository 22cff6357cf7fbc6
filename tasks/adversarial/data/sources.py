"""Images wherever they come from: tensors, arrays, a torch Dataset, a DataLoader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.adversarial.data.images import Images

Source = Images | Dataset[Any] | DataLoader[Any] | tuple[Any, Any]


def as_images(source: Source) -> Images:
    """Labelled images read into memory once.

    Args:
        source: `Images`; a pair (images, labels) of tensors or arrays; a Dataset of pairs (image, label), whose
            images are tensors (channels, height, width), or pictures and arrays (height, width) or (height, width,
            channels); a DataLoader of such. Transforms are applied once: hand a DataLoader itself to
            `AdversarialTraining` where they are random and should be so in every epoch.

    Raises:
        TypeError: if it is something else.
        ValueError: if its images are of several shapes or dtypes, or `Images` refuses them.
    """
    if isinstance(source, Images):
        return source
    if isinstance(source, tuple | list) and len(source) == 2:
        return Images(*source)
    if isinstance(source, DataLoader):
        batches = [(images, labels) for images, labels in map(pair, source)]
        return Images(torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches]))
    if isinstance(source, Dataset):
        return _of_items(source)
    raise TypeError(
        f"images must come as Images, a pair (images, labels), a torch Dataset or a DataLoader, got "
        f"{type(source).__name__}; for a NumPy archive there is from_npz."
    )


def pair(item: Any) -> tuple[Any, Any]:
    """The image and the label of an item, or of a batch of them.

    Raises:
        TypeError: if it is no pair.
    """
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise TypeError(
            f"each item of the data must be a pair (image, label), got {type(item).__name__}; wrap the data set in "
            "one whose __getitem__ returns such pairs."
        )
    return item[0], item[1]


def _of_items(items: Dataset[Any]) -> Images:
    pairs = [pair(item) for item in _each(items)]
    if not pairs:
        raise ValueError("the data set is empty; give one with images.")
    images = [_channels_first(image) for image, _ in pairs]
    for place, image in enumerate(images):
        if (image.shape, image.dtype) != (images[0].shape, images[0].dtype):
            raise ValueError(
                f"all images must be of one shape and dtype, got {tuple(images[0].shape)} {images[0].dtype} and, "
                f"at {place}, {tuple(image.shape)} {image.dtype}; resize them in the data set's transform."
            )
    return Images(torch.stack(images), torch.as_tensor([int(label) for _, label in pairs]))


def _each(items: Dataset[Any]) -> Iterator[Any]:
    if hasattr(items, "__len__"):
        return (items[place] for place in range(len(items)))
    assert isinstance(items, Iterable)
    return iter(items)


def _channels_first(image: Any) -> Tensor:
    if isinstance(image, Tensor):
        return image
    array = torch.from_numpy(np.array(image))  # of a picture: bytes, (height, width) or (height, width, channels)
    return array[None] if array.dim() == 2 else array.movedim(-1, 0)
