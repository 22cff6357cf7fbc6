"""Images come from wherever people have them."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from tasks.adversarial import Images
from tasks.adversarial.data.sources import as_images

LEVELS = torch.randint(0, 256, (6, 3, 8, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(6) % 3


class Items(Dataset):
    """A data set of what a function makes of each image."""

    def __init__(self, make, labels=LABELS):
        self.make, self.labels = make, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, place):
        return self.make(LEVELS[place]), self.labels[place]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(LEVELS, LABELS, strict=True))


def picture(levels: torch.Tensor) -> Image.Image:
    return Image.fromarray(levels.movedim(0, -1).contiguous().numpy())


@pytest.mark.parametrize(
    "source",
    [
        Images(LEVELS, LABELS),
        (LEVELS, LABELS),
        [LEVELS.numpy(), LABELS.numpy()],
        TensorDataset(LEVELS, LABELS),
        Items(picture),
        Items(lambda levels: levels.movedim(0, -1).numpy()),
        Items(lambda levels: levels, labels=[int(label) for label in LABELS]),
        Items(lambda levels: levels, labels=LABELS.numpy()),
        DataLoader(TensorDataset(LEVELS, LABELS), batch_size=4),
        DataLoader(Stream(), batch_size=4),
        Stream(),
    ],
)
def test_the_same_images_from_anywhere(source):
    images = as_images(source)
    assert images.images.dtype == torch.uint8
    assert torch.equal(images.images, LEVELS)
    assert torch.equal(images.labels, LABELS)


def test_grey_pictures():
    grey = Items(lambda levels: Image.fromarray(levels[0].numpy()))
    assert torch.equal(as_images(grey).images, LEVELS[:, :1])


def test_floats():
    images = as_images(Items(lambda levels: levels / 255))
    assert torch.equal(images.images, LEVELS / 255)


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        ("images.npz", TypeError, "got str 'images.npz'; for a NumPy archive there is from_npz"),
        (LEVELS, TypeError, "a pair .*, a torch Dataset or a DataLoader, got Tensor"),
        ((LEVELS, LABELS, LABELS), TypeError, "got tuple"),
        (
            Items(lambda levels: levels[:, : 4 + levels[0, 0, 0] % 2]),
            ValueError,
            r"one shape and dtype, .* at \d",
        ),
        (Items(lambda levels: levels / 100), ValueError, r"images must lie in \[0, 1\]"),
        (Items(lambda levels: levels, labels=[]), ValueError, "the data set is empty"),
        (TensorDataset(LEVELS), TypeError, r"each item of the data must be a pair \(image, label\), got tuple"),
        (DataLoader(TensorDataset(LEVELS), batch_size=2), TypeError, "must be a pair"),
        ((np.array([["cat"]]), LABELS), TypeError, "images must be a tensor or an array of numbers"),
        ((LEVELS, ["cat"] * 6), TypeError, "labels must be a tensor or an array of numbers"),
    ],
)
def test_what_is_refused(source, error, sentence):
    with pytest.raises(error, match=sentence):
        as_images(source)
