"""The parts of a data set go with each other, and with its classes."""

import pytest
import torch

from tasks.adversarial import ImageData, Images

PIXELS = torch.full((4, 1, 8, 8), 0.5)
LABELS = torch.tensor([0, 1, 2, 1])


def data(labels=LABELS, *, classes: int = 3, test: torch.Tensor = PIXELS) -> ImageData:
    good = Images(PIXELS, LABELS)
    return ImageData("mine", good, good, Images(test, labels), classes, sha256="")


def test_shape():
    assert data().shape == (1, 8, 8)


@pytest.mark.parametrize("label", [3, 255, -1])
def test_labels_lie_in_the_classes(label):
    low, high = min(0, label), max(2, label)
    with pytest.raises(ValueError, match=rf"labels must lie in 0 ... 2 for 3 classes, got {low} to {high}"):
        data(torch.tensor([0, 1, 2, label]))


def test_all_parts_have_images_of_one_shape():
    with pytest.raises(ValueError, match=r"images of one shape, got \(1, 8, 8\) and \(3, 8, 8\)"):
        data(test=PIXELS.expand(4, 3, 8, 8))


def test_classes_and_checksum_need_not_be_said():
    good = Images(PIXELS, LABELS)
    one, other = (ImageData("mine", good, good, part) for part in (good, Images(PIXELS / 2, LABELS)))
    assert one.classes == 3
    assert len(one.sha256) == 64
    assert one.sha256 == ImageData("yours", good, good, good).sha256 != other.sha256
