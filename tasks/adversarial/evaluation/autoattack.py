"""AutoAttack, by the library that has it: quiet, on any device, and without a trace in the classifier."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from minimax_l2l import LinfBall, querying, require_extra
from tasks.adversarial.classifier import as_taken_by
from tasks.adversarial.data.images import Images
from tasks.adversarial.threat import Threat

Tier = Literal["quick", "standard"]
FEWEST_CLASSES = 4  # the loss of its targeted attacks compares four logits


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
        if tier == "quick":
            attack.attacks_to_run = ["apgd-ce", "apgd-t"]
        attacked, _ = attack.run_standard_evaluation(pixels, labels, batch_size=batch_size)
    return attacked, tuple(flags)


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
