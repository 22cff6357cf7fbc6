"""The four cheap published methods, as their presets have them, on the digits: they defend."""

import functools

import pytest
import torch

from minimax_l2l import PGM
from minimax_l2l.modes import resting
from tasks.adversarial import AdversarialTraining, LinfBall, SmallResNet, digits, smoothed, withstands
from tasks.adversarial.presets.methods import METHODS, Setting
from tasks.adversarial.presets.settings import EPS


@functools.cache
def survivors(name: str) -> float:
    """The share of validation images that withstand PGM-10 after two epochs."""
    method, data = METHODS[name], digits()
    torch.manual_seed(0)
    classifier = SmallResNet(width=4)
    task = AdversarialTraining(
        classifier,
        data,
        LinfBall(EPS),
        outer_loss=method.outer_loss(smoothed(method.smoothing)),
        start=method.start(EPS, data),
        batch_size=16,
        epochs=2,
        query_mode="train",
    )
    task.solve(method.make(Setting(EPS, method.steps, 1)), device="cpu")
    with resting(classifier):
        survived = withstands(classifier, data.validation, task.threat, PGM(steps=10, step_size=EPS / 4))
    return survived.float().mean().item()


@pytest.mark.parametrize("name", ["fgsm-mep", "fgsm-sdi", "nuat", "liet"])
def test_it_makes_a_net_robust(name):
    assert survivors(name) > survivors("plain") + 0.1
