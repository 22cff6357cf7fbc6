"""Images come from wherever people have them."""

import re
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
import torch
from own_images import archive
from PIL import Image
from short import measured_briefly
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from minimax_l2l import FGSM, LinfBall
from tasks.adversarial import (
    AdversarialTraining,
    ImageData,
    Images,
    SmallResNet,
    as_images,
    evaluate,
    from_npz,
    withstands,
)

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
        list(zip(LEVELS, LABELS, strict=True)),
        tuple(zip(LEVELS.movedim(1, -1).numpy(), LABELS.tolist(), strict=True)),
        [[picture(levels), np.int64(label)] for levels, label in zip(LEVELS, LABELS, strict=True)],
    ],
)
def test_the_same_images_from_anywhere(source):
    images = as_images(source)
    assert images.images.dtype == torch.uint8
    assert torch.equal(images.images, LEVELS)
    assert torch.equal(images.labels, LABELS)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_list_of_pairs_is_no_pair(count):
    """However many there are: two of them look like images and labels."""
    images = as_images([(LEVELS[place], int(LABELS[place])) for place in range(count)])
    assert torch.equal(images.images, LEVELS[:count])
    assert torch.equal(images.labels, LABELS[:count])
    with pytest.raises(TypeError, match="labels must be a tensor or an array of numbers"):
        as_images([(LEVELS[place], "cat") for place in range(count)])


def test_two_images_and_two_labels_are_a_pair():
    with pytest.raises(TypeError, match=r"pass torch\.stack\(images\)"):
        as_images([list(LEVELS[:2]), [1, 0]])
    images = as_images([torch.stack(list(LEVELS[:2])), [1, 0]])
    assert images.labels.tolist() == [1, 0]


def own() -> ImageData:
    return from_npz("mine.npz")


def trained(data, **options):
    return AdversarialTraining(SmallResNet(classes=4, width=2), data, LinfBall(0.1), **options)


def validated(data):
    return trained(own().train, validation=data)


def attacked(data):
    return withstands(SmallResNet(classes=4, width=2), data, LinfBall(0.1), FGSM(step_size=0.1))


def measured(data):
    return evaluate(SmallResNet(classes=4, width=2), data, LinfBall(0.1), tier="quick")


@pytest.mark.parametrize(
    ("take", "part"),
    [(as_images, ".test"), (measured, ".test"), (attacked, ".test"), (validated, ".validation"), (trained, "")],
)
def test_of_a_whole_data_set_the_part_is_advised_that_is_wanted(take, part, tmp_path, monkeypatch):
    """It may be named, come as what makes it, or come whole."""
    monkeypatch.chdir(tmp_path)
    measured_briefly(monkeypatch)
    archive("mine.npz")
    wrong = {
        "mine.npz": f"of a NumPy archive pass from_npz('mine.npz'){part}.",
        Path("mine.npz"): f"of a NumPy archive pass from_npz('mine.npz'){part}.",
        own: f"pass what it returns: own(){part and f', or own(){part} of ImageData'}.",
        **({own(): f"pass one part of it: data{part}."} if part else {}),
    }
    for source, advice in wrong.items():
        with pytest.raises(TypeError, match=re.escape(advice)):
            take(source)
    take(attrgetter(part[1:])(own()) if part else own())


def test_grey_pictures():
    grey = Items(lambda levels: Image.fromarray(levels[0].numpy()))
    assert torch.equal(as_images(grey).images, LEVELS[:, :1])


def test_floats():
    images = as_images(Items(lambda levels: levels / 255))
    assert torch.equal(images.images, LEVELS / 255)


@pytest.mark.parametrize(
    "source",
    [
        (LEVELS.movedim(1, -1).numpy(), LABELS),
        [(levels.movedim(0, -1), 0) for levels in LEVELS],
        Items(lambda levels: levels.movedim(0, -1)),
        DataLoader(Items(lambda levels: levels.movedim(0, -1).numpy()), batch_size=2),
        DataLoader(Items(lambda levels: levels[:1].movedim(0, -1) / 255), batch_size=2),
    ],
    ids=["array", "pairs of tensors", "a Dataset of tensors", "a DataLoader", "grey floats"],
)
@pytest.mark.parametrize("take", [as_images, trained, validated, attacked, measured])
def test_channels_come_first(take, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive("mine.npz")
    with pytest.raises(ValueError, match=r"which would be 8 channels; channels come first: give images\.permute"):
        take(source)


def sizes(levels):
    return levels[:, : 4 + levels[0, 0, 0] % 2]


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (
            picture,
            TypeError,
            r"got PIL\.Image\.Image in its items; .* return pairs \(image, label\), .*ToTensor\(\)",
        ),
        (lambda _: None, TypeError, "got NoneType in its items; let the data set return pairs"),
        (lambda _: np.array(["cat"], dtype=object), TypeError, "got object in its items; let the data set"),
        (sizes, ValueError, r"of batch 0 must be of one shape, .*; resize them in the data set's transform"),
        (lambda levels: sizes(levels).numpy(), ValueError, r"of one shape, .*; resize them"),
        (lambda levels: levels[: 1 + 2 * (levels[0, 0, 0] % 2)], ValueError, "make all of them RGB or all grey"),
    ],
    ids=["pictures", "nothing", "objects", "sizes", "arrays of sizes", "grey and RGB"],
)
def test_items_that_make_no_batch(make, error, sentence):
    loader = DataLoader(Items(make), batch_size=6)
    for take in (as_images, trained, attacked):
        with pytest.raises(error, match=sentence):
            take(loader)


def test_items_that_make_no_batch_in_a_worker():
    """It hands its error over as one of another kind."""
    for make, error, sentence in (
        (lambda _: None, TypeError, "got NoneType in its items; let the data set return pairs"),
        (sizes, ValueError, r"of batch 0 must be of one shape, .*; resize them in the data set's transform"),
    ):
        with pytest.raises(error, match=sentence):
            trained(DataLoader(Items(make), batch_size=6, num_workers=1))


def test_a_later_batch_that_the_classifier_cannot_take():
    """Of another shape than the first one; a network that can take it is trained on it."""

    def late(levels):
        return levels[:1, : 8 - 2 * int(levels is not None and place["now"] >= 3)] / 255

    class Late(Items):
        def __getitem__(self, index):
            place["now"] = index
            return super().__getitem__(index)

    place = {"now": 0}
    loader = DataLoader(Late(late), batch_size=3)
    rigid = AdversarialTraining(
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(80, 3)), loader, LinfBall(0.1), epochs=1
    )
    with pytest.raises(ValueError, match=r"the classifier cannot take an image of shape \(1, 1, 6, 10\)"):
        rigid.solve(FGSM(step_size=0.1), device="cpu")
    supple = AdversarialTraining(SmallResNet(classes=3, width=2), loader, LinfBall(0.1), epochs=1)
    assert supple.solve(FGSM(step_size=0.1), device="cpu").steps == 2


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        ("images.npz", TypeError, r"got str 'images.npz'; of a NumPy archive pass from_npz\('images.npz'\).test"),
        (LEVELS, TypeError, "a pair .*, a torch Dataset or a DataLoader, got Tensor"),
        ((LEVELS, LABELS, LABELS), TypeError, r"got a tuple of 3 \(Tensor, Tensor, Tensor\)"),
        (
            Items(lambda levels: levels[:, : 4 + levels[0, 0, 0] % 2]),
            ValueError,
            r"one shape and dtype, got item 0 of shape .* and item \d of shape .*; resize them",
        ),
        (Items(lambda levels: levels / 100), ValueError, r"images must lie in \[0, 1\]"),
        (Items(lambda levels: levels, labels=[]), ValueError, "the data set is empty"),
        ((np.array([["cat"]]), LABELS), TypeError, "images must be a tensor or an array of numbers"),
        ((LEVELS, ["cat"] * 6), TypeError, "labels must be a tensor or an array of numbers"),
    ],
)
def test_what_is_refused(source, error, sentence):
    with pytest.raises(error, match=sentence):
        as_images(source)


def one(place):
    return (LEVELS[place],)


def three(place):
    return LEVELS[place], 0, place


def later_three(place):
    return three(place)[: 3 if place == 4 else 2]


class Made(Dataset):
    """A data set of what a function makes of each number."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return len(LEVELS)

    def __getitem__(self, place):
        return self.make(place)


@pytest.mark.parametrize(
    ("make", "seen", "advice"),
    [
        (one, r"got a tuple of 1 \(Tensor\) at item 0", r"give the labels as well, as TensorDataset\("),
        (lambda place: LEVELS[place], "got Tensor at item 0", r"give the labels as well"),
        (three, r"got a tuple of 3 \(Tensor, int, int\) at item 0", "wrap the data set in one"),
        (later_three, r"got a tuple of 3 \(Tensor, int, int\) at item 4", "wrap the data set in one"),
        (lambda place: {"image": LEVELS[place]}, "got dict at item 0", "wrap the data set in one"),
        (lambda _: None, "got NoneType at item 0", "wrap the data set in one"),
    ],
)
def test_items_that_are_no_pairs(make, seen, advice):
    with pytest.raises(TypeError, match=rf"must be a pair \(image, label\), {seen}; {advice}"):
        as_images(Made(make))


@pytest.mark.parametrize("make", [one, three, later_three])
def test_lists_of_items_that_are_no_pairs(make):
    with pytest.raises(TypeError, match=r"must be a pair \(image, label\), got a tuple of \d .* at item \d"):
        as_images([make(place) for place in range(6)])


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (one, r"got a list of 1 \(Tensor\); give the labels as well"),
        (three, r"got a list of 3 \(Tensor, Tensor, Tensor\); wrap the data set"),
        (later_three, "those of batch 2 have different lengths"),
    ],
)
def test_batches_that_are_no_pairs(make, seen):
    loader = DataLoader(Made(make), batch_size=2)
    with pytest.raises(TypeError, match=rf"must be a pair \(image, label\), .*{seen}"):
        as_images(loader)
    if make is not later_three:
        with pytest.raises(TypeError, match=rf"must be a pair \(image, label\), .*{seen}"):
            trained(loader)


class TestMixedPictures:
    """As torchvision's ImageFolder gives them with a loader of one's own."""

    @pytest.mark.parametrize("odd", ["P", "RGBA", "LA", "1", "CMYK", "HSV", "I;16"])
    @pytest.mark.parametrize("first", [0, 3])
    def test_pixels_that_are_no_levels_are_refused(self, odd, first):
        """Those of a palette are places in it, which nothing else would tell from grey."""
        pictures = Made(lambda place: (picture(LEVELS[place]).convert("L").convert(odd), 0))
        images = [(picture(levels), 0) for levels in LEVELS[:first]] + [pictures[first], pictures[first]]
        with pytest.raises(
            ValueError, match=rf"item {first} is a picture of Pillow's mode {odd}, .*convert\('RGB'\)"
        ):
            as_images([*images, images[0]])

    @pytest.mark.parametrize("place", [1, 5])
    @pytest.mark.parametrize("make", [picture, lambda levels: levels / 255])
    def test_grey_among_colours(self, place, make):
        def mixed(at):
            image = make(LEVELS[at])
            if at != place:
                return image, 0
            return (image[:1] if isinstance(image, torch.Tensor) else image.convert("L")), 0

        sentence = rf"item 0 of shape \(3, 8, 10\) .* item {place} of shape \(1, 8, 10\) .* make all of them RGB"
        with pytest.raises(ValueError, match=sentence):
            as_images(Made(mixed))

    @pytest.mark.parametrize("odd", [picture, lambda levels: levels])
    def test_bytes_among_floats(self, odd):
        mixed = Made(lambda at: ((LEVELS[at] / 255 if at != 2 else odd(LEVELS[at])), 0))
        with pytest.raises(
            ValueError, match=r"float32 and item 2 .* return all of them as bytes, or all as floating"
        ):
            as_images(mixed)
