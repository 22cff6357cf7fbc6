"""How a classifier stands on validation images, and how its attacker does beside PGM-10."""

from __future__ import annotations

from math import isfinite, nan
from typing import NamedTuple

import torch
from torch import nn

from minimax_l2l import PGM, GradientAscent, InnerOptimizer, resting
from tasks.adversarial.attack import Attack
from tasks.adversarial.data.images import Images
from tasks.adversarial.losses import Loss
from tasks.adversarial.threat import Threat


class Standing(NamedTuple):
    """A classifier under an attack.

    Attributes:
        accuracy: on all images; one whose attack or logits are not finite counts as lost.
        loss: the mean.
    """

    accuracy: float
    loss: float


class Validation(NamedTuple):
    """A classifier as it is, under its own attacker, and under PGM-10.

    Attributes:
        clean: without an attack.
        own: under the attacker that it is trained with.
        pgm: under PGM-10, with steps of eps / 4.
    """

    clean: Standing
    own: Standing
    pgm: Standing

    @classmethod
    def of(
        cls, classifier: nn.Module, optimizer: InnerOptimizer, images: Images, threat: Threat, loss: Loss, seed: int
    ) -> Validation:
        """Attack the images three times."""
        rival = PGM(steps=10, step_size=threat.eps / 4)
        attackers = GradientAscent(steps=0), optimizer, rival
        return cls(*(_under(Attack(one, threat, loss, seed=seed), classifier, images) for one in attackers))

    @property
    def attack_ratio(self) -> float:
        """The own attacker's mean loss over PGM-10's; NaN if one of them is not finite."""
        if not (isfinite(self.own.loss) and isfinite(self.pgm.loss)):
            return nan
        return self.own.loss / self.pgm.loss if self.pgm.loss else 1.0

    @property
    def harm(self) -> float:
        """The mean loss under PGM-10 over the clean one, less 1; NaN if one of them is not finite, or 0."""
        return self.pgm.loss / self.clean.loss - 1 if self.clean.loss else nan


def _under(attack: Attack, classifier: nn.Module, images: Images) -> Standing:
    right, loss = 0, 0.0
    for part in attack.batches(classifier, images):
        labels = images.labels[part.places]
        with resting(classifier), torch.no_grad():
            logits = classifier(part.images)
            known = logits.isfinite().all(1) & part.finite
            right += int(((logits.argmax(1) == labels) & known).sum())
            loss += attack.loss(logits, labels).sum().item()
    return Standing(right / len(images), loss / len(images))
