"""Attacks that were made on one classifier or learned on it, and what they do to another."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minimax_l2l import PGM, InnerOptimizer, LearnedOptimizer
from minimax_l2l.errors import require_a, require_count
from minimax_l2l.lab import wilson_interval
from tasks.adversarial.attack import BATCH, Attack
from tasks.adversarial.classifier import require_classifier
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.data.sources import Source, as_images
from tasks.adversarial.evaluation.curves import accuracy_against_steps
from tasks.adversarial.evaluation.marks import LOST, MARKS, WITHSTOOD, answers, judged, words_of_loss
from tasks.adversarial.evaluation.robustness import withstands
from tasks.adversarial.threat import Threat, require_threat


@dataclass(frozen=True)
class Transferred:
    """What a classifier withstands of an attack that was made on another.

    Attributes:
        surrogate: what it was made on.
        attack: its name.
        defence: what it was shown to.
        accuracy: the share of images that are classified rightly as they are and perturbed.
        interval: its 95 % interval.
    """

    surrogate: str
    attack: str
    defence: str
    accuracy: float
    interval: tuple[float, float]


def transfer(
    defences: Mapping[str, nn.Module],
    surrogates: Mapping[str, nn.Module],
    attacks: Mapping[str, InnerOptimizer],
    images: Source,
    threat: Threat,
    *,
    seed: int = 0,
    batch_size: int = BATCH,
) -> list[Transferred]:
    """Black-box robustness: perturb images by the surrogate's gradients, show them to the defences.

    The perturbations of each surrogate and attack are made once and shown to every defence. If a defence withstands
    its own gradients better than another's, its gradients are masked.

    Args:
        defences: by name, classifiers whose gradients the attacker does not have.
        surrogates: by name, classifiers whose gradients it has, such as those of another seed.
        attacks: by name, hand-designed or learned inner optimizers, which ascend the surrogate's cross-entropy.
        images: what to perturb: `Images`, a pair (images, labels), a torch Dataset, a DataLoader.
        threat: the ball.
        seed: of random starts.
        batch_size: images perturbed at a time.

    Returns:
        A row for each surrogate, attack and defence, in this order.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if a classifier cannot take the images, the ball holds all of them, or an attack leaves it.
    """
    images = as_images(images)
    require_threat(threat, images.shape)
    require_count("batch_size", batch_size, least=1)
    for name, classifier in (*defences.items(), *surrogates.items()):
        require_within(f"the images' ({name})", images, require_classifier(classifier, images), images.shape)
    made = {name: Attack(optimizer, threat, seed=seed) for name, optimizer in attacks.items()}
    clean = {name: _clean(defence, images, batch_size) for name, defence in defences.items()}
    rows = []
    for surrogate, classifier in surrogates.items():
        for name, attack in made.items():
            found = _shown(attack, classifier, defences, images, batch_size)
            if lost := max((int((one == MARKS.index(LOST)).sum()) for one in found.values()), default=0):
                warnings.warn(words_of_loss(f"{name} on {surrogate}", lost), stacklevel=2)
            for defence, verdicts in found.items():
                kept = int(((verdicts == MARKS.index(WITHSTOOD)) & clean[defence]).sum())
                accuracy, interval = kept / len(images), wilson_interval(kept, len(images))
                rows.append(Transferred(surrogate, name, defence, accuracy, interval))
    return rows


def _clean(classifier: nn.Module, images: Images, batch_size: int) -> Tensor:
    parts = torch.split(torch.arange(len(images)), batch_size)
    found = [judged(answers(classifier, images.pixels(part)), images.labels[part]) for part in parts]
    return torch.cat(found).cpu() == MARKS.index(WITHSTOOD)


def _shown(
    attack: Attack, surrogate: nn.Module, defences: Mapping[str, nn.Module], images: Images, batch_size: int
) -> dict[str, Tensor]:
    """The verdict of each defence on one attack's images."""
    found: dict[str, list[Tensor]] = {name: [] for name in defences}
    for part in map(attack.require_inside, attack.batches(surrogate, images, batch_size=batch_size)):
        for name, defence in defences.items():
            logits = answers(defence, part.images.clone())  # a classifier may change what it is given
            found[name].append(judged(logits, images.labels[part.places], finite=part.finite).cpu())
    return {name: torch.cat(verdicts) for name, verdicts in found.items()}


@dataclass(frozen=True)
class PerQuery:
    """What two attackers leave of a classifier after as many gradient queries.

    Attributes:
        queries: gradients per image that each of them asked for.
        learned: accuracy under the learned attacker.
        pgm: accuracy under PGM.
    """

    queries: int
    learned: float
    pgm: float


def accuracy_per_query(
    classifier: nn.Module,
    attacker: LearnedOptimizer,
    images: Source,
    threat: Threat,
    *,
    queries: Sequence[int] = (1, 2, 5, 10),
    seed: int = 0,
    batch_size: int = BATCH,
) -> list[PerQuery]:
    """A learned attacker beside PGM on a classifier, at equal numbers of gradient queries.

    The learned attacker is unrolled for as many steps, more than it was trained for if need be, and is seen on its
    way. PGM attacks anew for each number k, from a random start with steps of 2.5 eps / k, so that it reaches every
    point of the ball. Take a classifier that the attacker never saw.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        attacker: asks for one gradient per step; a learned optimizer whose features need none asks for nothing.
        images: what to attack: `Images`, a pair (images, labels), a torch Dataset, a DataLoader.
        threat: the ball.
        queries: in ascending order.
        seed: of random starts.
        batch_size: images attacked at a time.

    Returns:
        A row for each number of queries.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if queries do not ascend from 1, or the classifier cannot take the images.
    """
    images = as_images(images)
    require_a(
        "attacker", attacker, LearnedOptimizer, "a LearnedOptimizer", "pass Attack.optimizer of a learned one"
    )
    for count in queries:
        require_count("queries", count, least=1)
    learned = accuracy_against_steps(
        classifier, images, threat, queries, optimizer=attacker, seed=seed, batch_size=batch_size
    )
    rows = []
    for count, accuracy in zip(queries, learned, strict=True):
        pgm = PGM(steps=count, step_size=2.5 * threat.eps / count)
        kept = withstands(classifier, images, threat, pgm, seed=seed, batch_size=batch_size)
        rows.append(PerQuery(count, accuracy, kept.double().mean().item()))
    return rows
