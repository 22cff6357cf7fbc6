"""The checklist of an audit: what an honest classifier shows, and what it means if it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Outcome = Literal["passed", "failed", "not applicable"]
SURE = 2.326  # the normal distribution's 99 % quantile
UNSURE = "the difference is above what is allowed, but that may be chance; more images would tell"


@dataclass(frozen=True)
class Item:
    """One line of an audit.

    Attributes:
        name: of the check.
        outcome: `"passed"`, `"failed"` or `"not applicable"`.
        numbers: accuracies and shares are fractions in [0, 1]; `only_...` and `images` are counts of images.
        meaning: the outcome in a sentence.
    """

    name: str
    outcome: Outcome
    numbers: Mapping[str, float]
    meaning: str


@dataclass(frozen=True)
class Order:
    """An attack that must not find more than another one, beyond an allowance.

    Attributes:
        name: of the check.
        weaker: the attack that should find less.
        stronger: the attack that should find as much.
        allowed: by which share of all images the accuracy under `stronger` may lie above that under `weaker`.
        passed: what it means if that holds.
        failed: what it means if not.
        missing: why one of the attacks may not have been made.
    """

    name: str
    weaker: str
    stronger: str
    allowed: float
    passed: str
    failed: str
    missing: str = ""

    def judge(self, survived: Mapping[str, Tensor]) -> Item:
        """The item for what survived each attack: Booleans of shape (n,), the same images in each."""
        if not {self.weaker, self.stronger} <= survived.keys():
            return Item(self.name, "not applicable", {}, self.missing)
        weaker, stronger = survived[self.weaker], survived[self.stronger]
        more, fewer = int((stronger & ~weaker).sum()), int((weaker & ~stronger).sum())
        outcome, meaning = _verdict(self, more, fewer, len(weaker))
        numbers = {
            self.weaker: weaker.float().mean().item(),
            self.stronger: stronger.float().mean().item(),
            f"only_{self.weaker}": more,
            f"only_{self.stronger}": fewer,
            "images": len(weaker),
        }
        return Item(self.name, outcome, numbers, meaning)


@dataclass(frozen=True)
class Share:
    """A share of images that must stay small.

    Attributes:
        name: of the check.
        what: of the share.
        allowed: how large it may be; with 0 one image is enough to fail, for that is a fact and not a sample.
        passed: what it means if it stays so.
        failed: what it means if not.
    """

    name: str
    what: str
    allowed: float
    passed: str
    failed: str

    def judge(self, found: Mapping[str, Tensor]) -> Item:
        """The item for the images that show it: Booleans, one for each image that was looked at."""
        marks = found[self.what]
        count = int(marks.sum())
        outcome, meaning = _verdict(self, count, 0, len(marks))
        if count and self.allowed == 0:
            outcome, meaning = "failed", self.failed
        return Item(self.name, outcome, {self.what: count / len(marks), "images": len(marks)}, meaning)


def _verdict(check: Order | Share, more: int, fewer: int, count: int) -> tuple[Outcome, str]:
    """Whether a check fails, and what that means; a difference that chance may explain is said."""
    if exceeds(more, fewer, count, check.allowed):
        return "failed", check.failed
    return "passed", UNSURE if more - fewer > count * check.allowed else check.passed


def exceeds(more: int, fewer: int, count: int, allowed: float) -> bool:
    """Whether a paired difference of shares, (more - fewer) / count, is above an allowance beyond chance.

    Tango's score test of paired proportions, one-sided at 1 %: with p the probability that an image is among the
    `fewer`, at its maximum likelihood where the true difference is `allowed`,

        z = (more - fewer - count * allowed) / sqrt(count * (2 p + allowed * (1 - allowed))) > 2.326.

    With `allowed = 0` it is McNemar's test, z = (more - fewer) / sqrt(more + fewer), so 6 images against none are
    beyond chance and 5 are not.

    Source: T. Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine, 1998.

    Args:
        more: images that speak for a difference.
        fewer: images that speak against it.
        count: all images.
        allowed: a share in [0, 1).
    """
    excess = more - fewer - count * allowed
    if excess <= 0:
        return False
    a, b, c = 2 * count, (2 * count - more + fewer) * allowed - more - fewer, -fewer * allowed * (1 - allowed)
    p = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    return excess > SURE * math.sqrt(count * (2 * p + allowed * (1 - allowed)))


WHITE_BOX = "pgm_100"
ORDERS = (
    Order(
        "one_step",
        "fgsm",
        "pgm_20",
        0.0,
        "many small steps find at least as much as one large one",
        "one large step breaks images that 20 small ones do not, so gradients point the wrong way near the image",
    ),
    Order(
        "overfitting",
        "pgm_10",
        "fgsm",
        0.25,
        "what withstands one large step mostly withstands ten small ones",
        "it withstands one large step and not ten small ones: catastrophic overfitting, as of training with FGSM",
    ),
    Order(
        "more_steps",
        WHITE_BOX,
        "pgm_20",
        0.01,
        "20 steps find nearly all that 100 find",
        "100 steps find much more than 20, so accuracy under PGM-20 says too much",
    ),
    Order(
        "convergence",
        "pgm_200",
        WHITE_BOX,
        0.01,
        "twice as many steps find nothing more, so the attack has converged",
        "200 steps find more than 100, so the attack has not converged and its accuracy says too much",
    ),
    Order(
        "larger_radius",
        "pgm_20",
        "pgm_20_at_2_eps",
        0.0,
        "twice the radius hurts at least as much",
        "an attack that may go twice as far breaks fewer images, so gradients mislead it",
    ),
    Order(
        "random_search",
        "random_100",
        WHITE_BOX,
        0.0,
        "100 random perturbations break no image that gradients do not",
        "random perturbations break images that 100 gradient steps do not, so gradients are masked",
    ),
    Order(
        "black_box",
        "transfer",
        WHITE_BOX,
        0.0,
        "perturbations of another network break no more than its own gradients do",
        "perturbations of another network break images that its own gradients do not, so gradients are masked",
        "no surrogate and no training images were given",
    ),
    Order(
        "another_loss",
        "cw_100",
        WHITE_BOX,
        0.05,
        "the margin loss finds about as much as cross-entropy",
        "the margin loss breaks many images that cross-entropy does not, so the usual loss is flat or misleading",
    ),
    Order(
        "own_attacker",
        "pgm_20",
        "own_attacker",
        0.1,
        "the attacker that it was trained with is about as strong as PGM-20",
        "the attacker that it was trained with is much weaker than PGM-20: it learned to withstand that one alone",
        "no attacker of the training was given",
    ),
    Order(
        "autoattack",
        "autoattack",
        WHITE_BOX,
        0.05,
        "AutoAttack finds little that PGM-100 does not",
        "AutoAttack breaks many images that PGM-100 does not, so PGM's accuracy says too much",
        "AutoAttack's losses are defined for four classes or more",
    ),
)
SHARES = (
    Share(
        "unbounded",
        "withstand_everything",
        0.05,
        "an attack that may change every pixel breaks every image, as it must",
        "images withstand an attack that may change every pixel at will, so it follows no useful gradient",
    ),
    Share(
        "zero_gradients",
        "zero_gradient",
        0.05,
        "the loss has a gradient where attacks start",
        "the loss has no gradient where attacks start, so they stay there: look for rounding, or for logits so "
        "large that softmax saturates",
    ),
    Share(
        "randomness",
        "answered_twice",
        0.0,
        "the same image gets the same answer",
        "the same image gets different answers, so an attack sees one classifier and meets another: attack the "
        "mean of many answers",
    ),
    Share(
        "probabilities",
        "sum_to_1",
        0.0,
        "the classifier returns logits",
        "the classifier returns probabilities, which hide gradients where it is sure: return what comes before the "
        "softmax",
    ),
)
