"""Normalisation as a layer: what it computes, that it is saved with its network, and the usual statistics."""

import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from tasks.adversarial import STATISTICS, Normalise, digits


def test_by_hand():
    layer = Normalise([0.5, 0.25], [0.25, 0.5])
    images = torch.tensor([[[[0.0, 0.5, 1.0]], [[0.0, 0.5, 1.0]]]])
    assert layer(images).tolist() == [[[[-2.0, 0.0, 2.0]], [[-0.5, 0.5, 1.5]]]]


def test_a_network_behind_it_sees_normalised_images():
    network, mean, std = nn.Conv2d(3, 2, 3), [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    images = torch.rand(4, 3, 6, 6, dtype=torch.float64)
    whole = nn.Sequential(Normalise(mean, std), network).double()
    columns = (torch.tensor(numbers, dtype=torch.float64)[:, None, None] for numbers in (mean, std))
    centre, scale = columns
    assert torch.allclose(whole(images), network((images - centre) / scale), rtol=1e-6)


def test_is_saved_and_moved_with_its_network(tmp_path):
    network = nn.Sequential(Normalise([0.4], [0.2]), nn.Conv2d(1, 2, 3))
    save_model(network, str(tmp_path / "weights"))
    again = nn.Sequential(Normalise([0.0], [1.0]), nn.Conv2d(1, 2, 3))
    load_model(again, tmp_path / "weights")
    images = torch.rand(2, 1, 5, 5)
    assert torch.equal(again(images), network(images))
    assert network.double()(images.double()).dtype == torch.float64
    assert list(network.parameters()) == list(network[1].parameters())


@pytest.mark.parametrize(
    ("mean", "std", "sentence"),
    [
        ([0.5], [0.5, 0.5], "mean and std must have a number for each channel, got mean of 1 and std of 2"),
        ([], [], "got mean of 0 and std of 0"),
        ([0.5], [0.0], r"std\[0\] must be a finite number above 0"),
        ([float("nan")], [1.0], r"mean\[0\] must be a finite number"),
        ([125.3], [63.0], r"mean\[0\] must lie in \[0, 1\], .* got 125.3; divide mean and std of bytes by 255"),
        ([0.49], [63.0], r"std\[0\] must lie in \[0, 1\], .* got 63"),
        ([0.5, -103.9], [1.0, 1.0], r"mean\[1\] must lie in \[0, 1\]"),
    ],
)
def test_numbers_that_make_no_sense(mean, std, sentence):
    with pytest.raises(ValueError, match=sentence):
        Normalise(mean, std)


@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (2, 4, 4, 4), (3, 4, 4)])
def test_images_of_other_channels_are_refused(shape):
    """One channel would be stretched to three without a word."""
    with pytest.raises(ValueError, match=r"mean and std of 3 channels, so images must have shape \(n, 3, height"):
        Normalise([0.5] * 3, [0.5] * 3)(torch.rand(shape))


def test_the_usual_statistics_are_those_of_training_pixels():
    pixels = digits().train.pixels().double()
    mean, std = STATISTICS["digits"]
    assert (round(pixels.mean().item(), 4), round(pixels.std(unbiased=False).item(), 4)) == (*mean, *std)
    assert {name: len(own.mean) for name, own in STATISTICS.items()} == {
        "cifar10": 3,
        "cifar100": 3,
        "svhn": 3,
        "mnist": 1,
        "fashion-mnist": 1,
        "digits": 1,
    }
    for own in STATISTICS.values():
        assert Normalise(own.mean, own.std)(torch.rand(1, len(own.mean), 2, 2)).isfinite().all()
