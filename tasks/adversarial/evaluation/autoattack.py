"""AutoAttack, by the library that has it: quiet, on any device, and without a trace in the classifier."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from minimax_l2l import LinfBall, querying, require_extra
from tasks.adversarial.classifier import PROBABILITIES, as_taken_by
from tasks.adversarial.data.images import Images
from tasks.adversarial.threat import Threat

Tier = Literal["quick", "standard"]
FEWEST_CLASSES = 4  # the loss of its targeted attacks compares four logits
# What the library says of a classifier points to its own options and documents: here is what a user of ours can do.
OURS = {
    r"seems to be a randomized defense": (
        "the classifier answers differently each time, and AutoAttack attacks one answer at a time: switch its "
        "randomness off, or wrap it in a module that returns the mean logits of 20 calls"
    ),
    r"output is a probability distribution": PROBABILITIES,
    r"points with zero gradient": (
        "AutoAttack met images where the gradient is zero, so attacks by gradient may find too little: look for "
        "rounding, saturation or another step in the classifier that has no gradient"
    ),
    r"Square Attack has decreased the robust accuracy of ([\d.]+%)": (
        r"Square, which needs no gradient, broke another \1 of the images, so gradients mislead the other attacks "
        "and AutoAttack may overstate robustness: evaluate with an optimizer made for this classifier, own="
    ),
    r"seems to be a dynamic defense": (
        "the classifier computes gradients while it answers, and AutoAttack may not be enough for one that adapts: "
        "evaluate with an optimizer made for it, own="
    ),
}


def autoattack(
    classifier: nn.Module, images: Images, threat: Threat, *, tier: Tier, seed: int, batch_size: int = 512
) -> tuple[Tensor, tuple[str, ...]]:
    """Attack images with AutoAttack (Croce and Hein, 2020), pyautoattack's version.

    Args:
        classifier: in eval mode.
        images: what to attack.
        threat: the ball.
        tier: `"standard"` is APGD-CE, APGD-T, FAB-T and Square as its standard version sets them, `"quick"` the
            first two.
        seed: of its random starts; the global generator is left alone.
        batch_size: images attacked at a time.

    Returns:
        The attacked images, float32 on the classifier's device, and what AutoAttack warned of.

    Raises:
        MissingExtraError: if pyautoattack is not installed.
        ValueError: if there are fewer than four classes, for which its loss is not defined.
    """
    library, wrapped = require_library(), _InSinglePrecision(classifier)
    pixels, labels = as_taken_by(classifier, images.pixels()).float(), as_taken_by(classifier, images.labels)
    with torch.no_grad():
        classes = wrapped(pixels[:1]).shape[1]
    if classes < FEWEST_CLASSES:
        raise ValueError(
            f"AutoAttack's loss is defined for {FEWEST_CLASSES} classes or more, the classifier has {classes}; "
            "evaluate such a classifier with PGM on the margin loss."
        )
    norm = "Linf" if isinstance(threat, LinfBall) else "L2"
    frozen = querying(classifier, "eval", frozen=True)  # its backward passes would leave gradients in the weights
    with frozen, torch.random.fork_rng(), warnings.catch_warnings(), _overheard() as flags:
        warnings.simplefilter("ignore")
        attack = library.AutoAttack(
            wrapped, norm=norm, eps=threat.eps, seed=seed, version="standard", device=pixels.device
        )
        attack.apgd_targeted.n_target_classes = min(9, classes - 1)
        attack.fab.n_target_classes = min(9, classes - 1)
        library.checks.funcs.update(dict.fromkeys(library.checks.funcs, 0))  # it never forgets a classifier's calls
        if tier == "quick":
            attack.attacks_to_run = ["apgd-ce", "apgd-t"]
        attacked, _ = attack.run_standard_evaluation(pixels, labels, batch_size=batch_size)
    return attacked, tuple(dict.fromkeys(map(_in_our_words, flags)))


def _in_our_words(warning: str) -> str:
    """A warning of the library's with what a user of ours can do; one that is not known stays as it is."""
    for pattern, ours in OURS.items():
        if (found := re.search(pattern, warning)) is not None:
            return found.expand(ours)
    return warning


def require_library() -> Any:
    """The library that has it.

    Raises:
        MissingExtraError: if pyautoattack is not installed.
    """
    return require_extra("pyautoattack", extra="vision", purpose="AutoAttack")


class _InSinglePrecision(nn.Module):
    """A classifier of any dtype, as AutoAttack takes one; it may change the images that it is given."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        weight = next((part for part in classifier.parameters() if part.is_floating_point()), None)
        self.dtype = weight.dtype if weight is not None else torch.float32

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(images.to(self.dtype, copy=True))
        return logits.float()


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What AutoAttack's logger warns of, collected instead of shown."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, listener = logging.getLogger("auto-attack"), Listener(logging.WARNING)
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    try:
        yield messages
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagated
