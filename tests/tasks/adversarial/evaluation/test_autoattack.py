"""AutoAttack as we call it finds what the library finds, image by image and seed for seed."""

import logging

import pyautoattack
import pytest
import torch
from short import cut_short
from torch import nn

from minimax_l2l import L2Ball, LinfBall
from tasks.adversarial import digits, evaluate
from tasks.adversarial.evaluation.autoattack import autoattack


class NearestMean(nn.Module):
    """f_j(x) = m_j . x - |m_j|^2 / 2, whose largest entry belongs to the nearest class mean, through a bend."""

    def __init__(self):
        super().__init__()
        train = digits().train
        pixels = train.pixels().flatten(1)
        means = torch.stack([pixels[train.labels == label].mean(0) for label in range(10)])
        self.linear = nn.Linear(64, 10)
        self.linear.load_state_dict({"weight": means, "bias": -means.square().sum(1) / 2})

    def forward(self, images):
        return nn.functional.silu(self.linear(images.flatten(1)))


def by_the_library(classifier, images, norm, eps, seed):
    """Called directly, as its own documentation does."""
    logging.getLogger("auto-attack").propagate = False
    attack = pyautoattack.AutoAttack(classifier, norm=norm, eps=eps, seed=seed, version="standard", device="cpu")
    attacked, _ = attack.run_standard_evaluation(images.pixels(), images.labels, batch_size=512)
    with torch.no_grad():
        return attacked, classifier(attacked).argmax(1) == images.labels


@pytest.mark.parametrize(("threat", "norm"), [(LinfBall(0.1), "Linf"), (L2Ball(0.4), "L2")])
def test_is_the_librarys(threat, norm, monkeypatch):
    """All four attacks of the standard version, with fewer steps, however they are called."""
    cut_short(monkeypatch, steps=8)
    classifier, images = NearestMean().eval(), digits().test.first(10)
    found = []
    for seed in (0, 5):
        attacked, kept = by_the_library(classifier, images, norm, threat.eps, seed)
        ours, _ = autoattack(classifier, images, threat, tier="standard", seed=seed)
        assert torch.equal(ours, attacked)
        assert 0 < kept.sum() < len(images)
        found.append(attacked)
    assert torch.equal(evaluate(classifier, images, threat, seed=seed).survived["autoattack"], kept)
    assert not torch.equal(*found)
