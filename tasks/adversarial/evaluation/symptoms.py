"""What an audit measures beside an evaluation: more attacks, a surrogate's, gradients, answers given twice."""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from minimax_l2l import PGM, GradientAscent, InnerOptimizer, LinfBall, leaves, querying, resting
from minimax_l2l.gradients import require_recording
from tasks.adversarial.attack import Attack
from tasks.adversarial.classifier import are_probabilities, as_taken_by
from tasks.adversarial.data.images import Images
from tasks.adversarial.evaluation.robustness import withstands
from tasks.adversarial.models.named import classifier_named
from tasks.adversarial.problem import NO_GRADIENT, PerturbationProblem
from tasks.adversarial.task import AdversarialTraining
from tasks.adversarial.threat import Threat

VANISHED = 1e-12  # a gradient without a larger entry has drowned in single precision
SAME = 1e-3  # that two answers on one image may differ by, in units of its largest logit
NEARLY_ALL = 0.99  # of the radius at which any image can become any other
SURROGATE_STEPS = 400


class Withstood(Protocol):
    """An attack that is ready: whether each image is classified rightly after it, shape (n,)."""

    def __call__(self, classifier: nn.Module, images: Images, *, seed: int, batch_size: int) -> Tensor:
        """Attack these images."""


def further_attacks(threat: Threat, shape: tuple[int, int, int]) -> dict[str, Withstood]:
    """Attacks that say something about attacks, by name.

    PGM-10 with steps of eps / 4, as validations have it; PGM-200 with steps of eps / 10; PGM-20 at twice the
    radius; and PGM-100 from the image itself within 99 % of the radius at which any image could become any other.

    Args:
        threat: the ball.
        shape: (channels, height, width) of the images.
    """
    ball, eps = type(threat), threat.eps
    whole = NEARLY_ALL * (1.0 if isinstance(threat, LinfBall) else math.sqrt(math.prod(shape)))
    twice = min(2 * eps, whole)

    def under(optimizer: InnerOptimizer, radius: float = eps) -> Withstood:
        return partial(withstands, threat=ball(radius), optimizer=optimizer)

    return {
        "pgm_10": under(PGM(steps=10, step_size=eps / 4)),
        "pgm_200": under(PGM(steps=200, step_size=eps / 10)),
        "pgm_20_at_2_eps": under(PGM(steps=20, step_size=twice / 10), twice),
        "withstand_everything": under(PGM(steps=100, step_size=whole / 10, random_start=0.0), whole),
    }


def plain_surrogate(classifier: nn.Module, train: Images, classes: int, threat: Threat, *, seed: int) -> nn.Module:
    """A `SmallResNet` trained without attacks for 400 steps, or an epoch if that is more, on its device.

    Args:
        classifier: which it stands in for.
        train: images to train on.
        classes: how many logits.
        threat: of the game, which plain training does not play.
        seed: of its weights and of the order of images.
    """
    device = as_taken_by(classifier, train.labels[:1]).device
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        surrogate = classifier_named("small-resnet", train.shape, classes)
    epoch = max(len(train) // 64, 1)
    task = AdversarialTraining(surrogate, train, threat, epochs=-(-SURROGATE_STEPS // epoch), seed=seed)
    task.solve(GradientAscent(steps=0), device=str(device))
    return surrogate


def transferred(
    classifier: nn.Module, surrogate: nn.Module, images: Images, threat: Threat, *, seed: int, batch_size: int
) -> Tensor:
    """Whether each image is classified rightly with a perturbation that PGM-20 made for the surrogate."""
    attack = Attack(PGM(steps=20, step_size=threat.eps / 10), threat, seed=seed)
    moved = attack(surrogate, images.images, images.labels, batch_size=batch_size).clamp(0, 1)
    there = Images(moved.to(images.labels.device), images.labels)
    return withstands(classifier, there, threat, GradientAscent(steps=0), batch_size=batch_size)


def unattacked(
    classifier: nn.Module, images: Images, right: Tensor, threat: Threat, *, seed: int, batch_size: int
) -> dict[str, Tensor]:
    """What the classifier shows without an attack.

    Args:
        classifier: left in the modes it came in.
        images: all that there are.
        right: which of them are classified rightly.
        threat: the ball.
        seed: of the random points of the ball at which gradients are taken, those where PGM starts.
        batch_size: images at a time.

    Returns:
        By name: whether the gradient of the cross-entropy has vanished, for each image that is right; whether each
        image got two answers; and, for all images alike, whether answers are probabilities.
    """
    parts = torch.split(torch.arange(len(images)), batch_size)
    first, second = (torch.cat([_answers(classifier, images.at(part)) for part in parts]) for _ in range(2))
    size = SAME * first.abs().amax(1, keepdim=True)
    differ = ((first - second).abs() > size).any(1) | (first.isfinite() != second.isfinite()).any(1)
    vanished = torch.cat([_vanished(classifier, images, part, threat, seed) for part in parts])
    return {
        "zero_gradient": vanished[right],
        "answered_twice": differ.cpu(),
        "sum_to_1": torch.full((len(images),), are_probabilities(first)),
    }


def require_gradient(classifier: nn.Module, images: Images) -> None:
    """Refuse a classifier through which no gradient flows at all.

    Raises:
        ValueError: if there is none.
    """
    require_recording()
    pixels = as_taken_by(classifier, images.first(1).pixels()).requires_grad_()
    with querying(classifier, "eval"), torch.enable_grad():  # the weights are constants there
        logits = classifier(pixels)
    if not logits.requires_grad:
        raise ValueError(NO_GRADIENT)


@torch.no_grad()
def _answers(classifier: nn.Module, images: Images) -> Tensor:
    with resting(classifier):
        logits: Tensor = classifier(as_taken_by(classifier, images.pixels()))
    return logits


def _vanished(classifier: nn.Module, images: Images, places: Tensor, threat: Threat, seed: int) -> Tensor:
    chosen, start = images.at(places), GradientAscent(steps=0, random_start=1.0)
    pixels, labels = (as_taken_by(classifier, part) for part in (chosen.pixels(), chosen.labels))
    problem = PerturbationProblem(classifier, pixels, labels, threat, indices=places.to(pixels.device), seed=seed)
    with start.oracle(problem) as oracle:
        gradient = leaves(oracle.gradient(start.start(problem)))[0]
    return (gradient.abs().flatten(1).amax(1) <= VANISHED).cpu()
