"""Whether a classifier's robustness is real: the symptoms of masked gradients, looked for one by one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from minimax_l2l import InnerOptimizer
from tasks.adversarial.attack import BATCH
from tasks.adversarial.classifier import require_classifier
from tasks.adversarial.data.parts import require_within
from tasks.adversarial.data.sources import Source, as_images
from tasks.adversarial.evaluation.autoattack import Tier
from tasks.adversarial.evaluation.checklist import ORDERS, SHARES, Item
from tasks.adversarial.evaluation.findings import Announce
from tasks.adversarial.evaluation.robustness import AUTOATTACK_FIELD, Evaluation, evaluate
from tasks.adversarial.evaluation.symptoms import (
    further_attacks,
    plain_surrogate,
    require_gradient,
    transferred,
    unattacked,
)
from tasks.adversarial.threat import Threat, require_threat


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        items: the checks, each passed, failed or not applicable.
        evaluation: what withstood which attack, and what else was suspicious.
    """

    items: tuple[Item, ...]
    evaluation: Evaluation

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(item.name for item in self.items if item.outcome == "failed")


def audit(
    classifier: nn.Module,
    images: Source,
    threat: Threat,
    *,
    own: InnerOptimizer | None = None,
    surrogate: nn.Module | None = None,
    train: Source | None = None,
    tier: Tier = "standard",
    seed: int = 0,
    batch_size: int = BATCH,
    kept_in: Path | str | None = None,
    announce: Announce = lambda _: None,
) -> Audit:
    """Look for the symptoms of masked gradients.

    An attack that fails proves nothing if it was misled. Each item compares two attacks, one of which cannot be the
    better one unless gradients mislead the other, or looks at a share of images that should be none. The checks are
    those of the paper's Appendix E and of Carlini et al., and `checklist.ORDERS` and `checklist.SHARES` list them
    with what they allow.

    Differences are judged on the same images. One counts as too large if Tango's test of paired proportions is sure
    of it at 1 %, one-sided, so that few images do not fail by chance; see `checklist.exceeds`. That two answers on
    one image differ, and that answers are probabilities, are facts for which one image is enough.

    A pass is no certificate: a classifier may have no robustness at all and pass, for its gradients are honest.

    Source: N. Carlini et al., On Evaluating Adversarial Robustness, 2019.

    Args:
        classifier: takes images in [0, 1], returns logits; left in the modes it came in.
        images: what to attack; 200 are enough to find a broken classifier.
        threat: the ball.
        own: the inner optimizer of the training.
        surrogate: another classifier of the same images, whose perturbations are tried on this one.
        train: images to train such a surrogate on, a `SmallResNet` without attacks, for some seconds. Without
            either the check does not apply.
        tier: of AutoAttack; see `evaluate`.
        seed: of everything random.
        batch_size: images attacked at a time.
        kept_in: see `evaluate`, with which an interrupted audit goes on.
        announce: called with a few words before each piece of work.

    Returns:
        The items, and the evaluation that they rest on.

    Raises:
        MissingExtraError: if pyautoattack is not installed, before the first attack.
        TypeError: if an argument is of another kind.
        ValueError: if the classifier cannot take the images, is right on none of them or has no gradient, if the
            ball holds all of them, or if both a surrogate and images to train one on are given.
    """
    images = as_images(images)
    require_threat(threat, images.shape)
    classes = require_classifier(classifier, images)
    require_gradient(classifier, images)
    if surrogate is not None and train is not None:
        raise ValueError("a surrogate needs no training images; leave out surrogate or train.")
    if surrogate is not None:
        require_within("the images'", images, require_classifier(surrogate, images), images.shape)
    learnt = as_images(train) if train is not None else None
    if learnt is not None:
        require_within("the training", learnt, classes, images.shape)
    with warnings.catch_warnings(record=True) as heard:  # each attack would warn of the same
        warnings.simplefilter("always", UserWarning)
        evaluation = evaluate(
            classifier,
            images,
            threat,
            tier=tier,
            own=own,
            random_draws=100,
            seed=seed,
            batch_size=batch_size,
            kept_in=kept_in,
            announce=announce,
        )
        right = evaluation.survived["clean"]
        if not right.any():
            raise ValueError(
                f"the classifier is right on none of the {len(images)} images, so there is nothing that an attack "
                "could take; audit one that is trained, on images like those it was trained on."
            )
        survived = dict(evaluation.survived)
        for name, attack in further_attacks(threat, images.shape).items():
            announce(f"attack: {name}")
            survived[name] = right & attack(classifier, images, seed=seed, batch_size=batch_size)
        if learnt is not None:
            announce("training a surrogate")
            surrogate = plain_surrogate(classifier, learnt, classes, threat, seed=seed)
        if surrogate is not None:
            announce("attack: transfer")
            moved = transferred(classifier, surrogate, images, threat, seed=seed, batch_size=batch_size)
            survived["transfer"] = right & moved
        announce("gradients and answers")
        found = unattacked(classifier, images, right, threat, seed=seed, batch_size=batch_size)
    orders = (replace(one, weaker=AUTOATTACK_FIELD[tier]) if one.name == "autoattack" else one for one in ORDERS)
    items = (*(one.judge(survived) for one in orders), *(one.judge(found | survived) for one in SHARES))
    flags = dict.fromkeys((*evaluation.flags, *(str(one.message) for one in heard)))
    return Audit(items, replace(evaluation, flags=tuple(flags)))
