"""What a validation measures, on a classifier whose answers are known."""

import math

import pytest
import torch
from torch import nn

from minimax_l2l import FGSM, GradientAscent, LinfBall
from tasks.adversarial.data.images import Images
from tasks.adversarial.losses import cross_entropy
from tasks.adversarial.validation import Standing, Validation

PIXELS = torch.tensor([0.3, 0.45, 0.55, 0.9]).view(4, 1, 1, 1)
IMAGES = Images(PIXELS, torch.tensor([0, 0, 1, 1]))


class Brighter(nn.Module):
    """Class 1 for what is brighter than a half; by how much is the margin."""

    def forward(self, images):
        bright = images.flatten(1) - 0.5
        return torch.cat([-bright, bright], dim=1) * 20


def found(optimizer, classifier=None, eps=0.1, images=IMAGES):
    return Validation.of(classifier or Brighter(), optimizer, images, LinfBall(eps), cross_entropy, seed=0)


def test_the_two_nearest_to_a_half_fall():
    now = found(FGSM(step_size=0.1))
    assert (now.clean.accuracy, now.own.accuracy, now.pgm.accuracy) == (1.0, 0.5, 0.5)
    margins = 2 * 20 * torch.tensor([0.2 - 0.1, 0.05 - 0.1, 0.05 - 0.1, 0.4 - 0.1])
    assert now.pgm.loss == pytest.approx(nn.functional.softplus(-margins).mean().item(), rel=1e-4)
    assert now.attack_ratio == pytest.approx(1.0, rel=1e-4)


def test_an_attacker_that_does_nothing_is_far_below_pgm():
    now = found(GradientAscent(steps=0))
    assert now.own == now.clean
    assert now.attack_ratio == pytest.approx(now.clean.loss / now.pgm.loss)
    assert now.attack_ratio < 0.3


def test_where_nobody_gains_the_ratio_is_one():
    still = Standing(1.0, 0.0)
    assert Validation(still, still, still).attack_ratio == 1.0


@pytest.mark.parametrize("broken", ["own", "pgm"])
@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_loss_that_is_not_finite_has_no_ratio(broken, loss):
    now = Validation(*[Standing(1.0, 1.0)] * 3)._replace(**{broken: Standing(0.5, loss)})
    assert math.isnan(now.attack_ratio)
