"""What all classifiers share: arguments that make sense, and a config that holds them all."""

import json

import numpy as np
import pytest
import torch
from folders import files

from minimax_l2l import FGSM, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet


def test_numbers_of_numpy_are_kept(tmp_path):
    """Labels and images often come from NumPy, and so do their numbers."""
    labels, pixels = np.array([0, 3, 1]), np.random.default_rng(0).random((2, 4, 8, 8)).astype(np.float32)
    network = SmallResNet(
        np.int64(pixels.shape[1]),
        labels.max() + 1,
        mean=list(pixels.mean((0, 2, 3))),
        std=list(pixels.std((0, 2, 3))),
    )
    network.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["channels"], config["classes"], len(config["mean"])) == (4, 4, 4)
    images = torch.from_numpy(pixels)
    assert torch.equal(SmallResNet.from_pretrained(tmp_path).eval()(images), network.eval()(images))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"mean": [0.5]}, "mean was given without std; pass mean and std, or neither"),
        ({"std": [0.5]}, "std was given without mean; pass mean and std, or neither"),
        ({"mean": [0.5] * 3, "std": [0.5] * 3}, "mean and std have 3 numbers, the images channels=1; give one for"),
        ({"channels": 0}, "channels must be at least 1, got 0"),
        ({"classes": 0}, "classes must be at least 1, got 0"),
    ],
)
def test_arguments_that_make_no_sense(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        SmallResNet(**given)


def test_a_run_s_folder_is_not_saved_over(tmp_path):
    network, images = SmallResNet(classes=2, width=2), (torch.rand(4, 1, 8, 8), torch.arange(4) % 2)
    game = AdversarialTraining(network, images, LinfBall(0.1), epochs=1, batch_size=4)
    game.solve(FGSM(step_size=0.1), out=tmp_path / "run", device="cpu")
    before = files(tmp_path)
    for folder, taken in (("run", "config.json"), ("run/model", "config.json and model.safetensors")):
        with pytest.raises(ValueError, match=f"{folder} holds {taken} of a run, .* such as run-saved"):
            network.save_pretrained(tmp_path / folder)
    assert files(tmp_path) == before
    network.save_pretrained(tmp_path / "run-saved")
    SmallResNet.from_pretrained(tmp_path / "run-saved")
