"""How robust a classifier is: clean, FGSM, PGM, margin attack, AutoAttack, and the worst of all for each image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minimax_l2l import FGSM, PGM, GradientAscent, InnerOptimizer, LinfBall, resting
from tasks.adversarial.data.images import Images
from tasks.adversarial.evaluation.autoattack import Tier, autoattack, require_autoattack
from tasks.adversarial.losses import Loss, cross_entropy, margin
from tasks.adversarial.problem import PerturbationProblem
from tasks.adversarial.threat import Threat

Announce = Callable[[str], None]
BATCH = 512  # images that go through a network at a time: what fits does not hang on how many there are
AUTOATTACK_FIELD = {"quick": "autoattack_quick", "standard": "autoattack"}


@dataclass(frozen=True)
class Evaluation:
    """Which images withstood which attack.

    Attributes:
        survived: by attack, a Boolean for each image: classified rightly all along.
        flags: what AutoAttack found suspicious about the classifier, in its own words.
    """

    survived: dict[str, Tensor]
    flags: tuple[str, ...] = ()

    def accuracies(self) -> dict[str, float]:
        """Accuracy under each attack, and under the worst one of each image: a mean of minima."""
        rates = {name: kept.float().mean().item() for name, kept in self.survived.items()}
        worst = torch.stack(list(self.survived.values())).all(0)
        return {**rates, "worst_case": worst.float().mean().item()}


def evaluate(
    classifier: nn.Module,
    images: Images,
    threat: Threat,
    *,
    tier: Tier = "standard",
    own: InnerOptimizer | None = None,
    seed: int = 0,
    announce: Announce = lambda _: None,
) -> Evaluation:
    """Attack a classifier in every way this library reports.

    Clean; FGSM with a step of eps from zero; PGM-20 and PGM-100 with steps of eps / 10 (the paper's 0.003 for
    0.031) from a uniform random start; 100 such steps on the margin loss of Carlini and Wagner; the attacker it
    was trained with, if given; AutoAttack.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        images: what to attack.
        threat: the ball.
        tier: `"standard"` runs all four attacks of AutoAttack's standard version, `"quick"` its APGD-CE and
            APGD-T alone, which are reported under a name of their own.
        own: the inner optimizer of the training, attacked with as well.
        seed: of random starts.
        announce: called with each attack's name before it runs.

    Returns:
        What withstood what.

    Raises:
        MissingExtraError: if pyautoattack is not installed.
        ValueError: if there are fewer than four classes, for which AutoAttack's loss is not defined.
    """
    eps, images = threat.eps, _beside(classifier, images)
    attacks: list[tuple[str, InnerOptimizer, Loss]] = [
        ("fgsm", FGSM(step_size=eps), cross_entropy),
        ("pgm_20", PGM(steps=20, step_size=eps / 10), cross_entropy),
        ("pgm_100", PGM(steps=100, step_size=eps / 10), cross_entropy),
        ("cw_100", PGM(steps=100, step_size=eps / 10), margin),
    ]
    if own is not None:
        attacks.append(("own_attacker", own, cross_entropy))
    with resting(classifier, *([own] if own is not None else [])):
        right = _right(classifier, images)
        require_autoattack(classifier, images)  # what stands in its way is said now, not after minutes
        survived = {"clean": right}
        for done, (name, optimizer, loss) in enumerate(attacks):
            announce(f"attack {done + 1} of {len(attacks) + 1}: {name}")
            survived[name] = right & withstands(classifier, images, threat, optimizer, loss=loss, seed=seed)
        announce(f"attack {len(attacks) + 1} of {len(attacks) + 1}: AutoAttack, {tier}")
        attacked, flags = autoattack(classifier, images, threat, tier=tier, seed=seed)
        survived[AUTOATTACK_FIELD[tier]] = right & _right(classifier, Images(attacked, images.labels))
    return Evaluation(survived, flags)


def withstands(
    classifier: nn.Module,
    images: Images,
    threat: Threat,
    optimizer: InnerOptimizer,
    *,
    loss: Loss = cross_entropy,
    seed: int = 0,
    batch_size: int = BATCH,
) -> Tensor:
    """Whether each image is classified rightly after an attack: Booleans of shape (n,).

    Random starts belong to the images, and no image knows its neighbours: the batches they are in change nothing.
    """
    images, kept = _beside(classifier, images), []
    numbers = torch.arange(len(images), device=images.images.device)
    for part in torch.split(numbers, batch_size):
        inputs, labels = images.images[part], images.labels[part]
        problem = PerturbationProblem(classifier, inputs, labels, threat, loss=loss, indices=part, seed=seed)
        with torch.no_grad():
            attacked = problem.view(optimizer.maximize(problem).y)
            kept.append(classifier(attacked).argmax(1) == labels)
    return torch.cat(kept)


def _beside(classifier: nn.Module, images: Images) -> Images:
    """Images on the device of the classifier's first parameter; where they are if it has none."""
    weight = next(classifier.parameters(), None)
    return images if weight is None or weight.device == images.images.device else images.to(weight.device)


@torch.no_grad()
def _right(classifier: nn.Module, images: Images) -> Tensor:
    parts = torch.split(images.images, BATCH)
    return torch.cat([classifier(part).argmax(1) for part in parts]) == images.labels


def accuracy_against_eps(classifier: nn.Module, images: Images, eps: list[float], *, seed: int = 0) -> list[float]:
    """Accuracy under PGM-20 with steps of eps / 10 at each L_inf radius; at radius 0 the clean one."""
    with resting(classifier):
        return [
            (
                withstands(classifier, images, LinfBall(radius), PGM(steps=20, step_size=radius / 10), seed=seed)
                if radius > 0
                else withstands(classifier, images, LinfBall(1.0), GradientAscent(steps=0))
            )
            .float()
            .mean()
            .item()
            for radius in eps
        ]


def accuracy_against_steps(
    classifier: nn.Module, images: Images, threat: Threat, steps: list[int], *, seed: int = 0
) -> list[float]:
    """Accuracy under PGM of each number of steps, of 2.5 eps / steps each, so that all reach as far."""
    with resting(classifier):
        return [
            withstands(classifier, images, threat, PGM(steps=count, step_size=2.5 * threat.eps / count), seed=seed)
            .float()
            .mean()
            .item()
            for count in steps
        ]
