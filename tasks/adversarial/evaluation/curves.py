"""Robust accuracy against the radius of an attack, and against its number of steps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from minimax_l2l import PGM, GradientAscent, InnerOptimizer, LinfBall
from minimax_l2l.errors import require_count
from tasks.adversarial.attack import BATCH, Attack
from tasks.adversarial.classifier import require_classifier
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.data.sources import Source, as_images
from tasks.adversarial.evaluation.marks import LOST, WITHSTOOD, answers, judged, marked, words_of_loss
from tasks.adversarial.evaluation.robustness import survivors
from tasks.adversarial.threat import Threat, require_threat

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def accuracy_against_eps(
    classifier: nn.Module, images: Source, eps: Sequence[float], *, seed: int = 0, batch_size: int = BATCH
) -> list[float]:
    """Accuracy under PGM-20 with steps of eps / 10 at each L_inf radius; at radius 0 the clean one.

    At radius 1 an attacker may replace the image, so the curve of an honest classifier ends at 0.
    """
    images = as_images(images)
    attacks = [(PGM(steps=20, step_size=radius / 10) if radius else GradientAscent(steps=0)) for radius in eps]
    return [
        survivors(classifier, images, Attack(attack, LinfBall(radius or 1.0), seed=seed), batch_size)
        .double()
        .mean()
        .item()
        for radius, attack in zip(eps, attacks, strict=True)
    ]


def accuracy_against_steps(
    classifier: nn.Module,
    images: Source,
    threat: Threat,
    steps: Sequence[int] = STEPS,
    *,
    optimizer: InnerOptimizer | None = None,
    seed: int = 0,
    batch_size: int = BATCH,
) -> list[float]:
    """Accuracy after each number of steps of one attack: PGM from a random start with steps of eps / 10.

    The size of a step is the paper's (0.003 for 0.031) and the same for all, so the attack of 20 steps is the
    beginning of that of 1000, and the whole curve costs 1000 gradients per image. Its points at 20 and 100 are
    `pgm_20` and `pgm_100`. One such step moves little; `fgsm` is the one-step attack.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        images: what to attack: `Images`, a pair (images, labels), a torch Dataset, a DataLoader.
        threat: the ball.
        steps: in ascending order.
        optimizer: another attack to be seen on its way, whatever its own number of steps.
        seed: of random starts.
        batch_size: images attacked at a time.

    Returns:
        An accuracy for each number of steps.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if steps do not ascend, or the classifier cannot take the images.
    """
    images = as_images(images)
    require_threat(threat, images.shape)
    require_count("batch_size", batch_size, least=1)
    more = [require_count("steps", after) - before for before, after in pairwise([0, *steps])]
    if not more or min(more[1:], default=1) < 1:
        raise ValueError(f"steps must ascend, got {list(steps)}; sort them and leave out what occurs twice.")
    attack = Attack(PGM(steps=0, step_size=threat.eps / 10) if optimizer is None else optimizer, threat, seed=seed)
    require_within("the images'", images, require_classifier(classifier, images), images.shape)
    marks = ["" for _ in steps]
    for places in torch.split(torch.arange(len(images)), batch_size):
        for stage, seen in enumerate(attack.stages(classifier, images, places, more)):
            logits = answers(classifier, attack.require_inside(seen).images)
            marks[stage] += marked(judged(logits, images.labels[places], finite=seen.finite)).marks
    if lost := max(stage.count(LOST) for stage in marks):
        warnings.warn(words_of_loss("the attack", lost), stacklevel=2)
    return [stage.count(WITHSTOOD) / len(images) for stage in marks]
