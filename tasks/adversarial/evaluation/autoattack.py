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
from tasks.adversarial.data.images import Images
from tasks.adversarial.threat import Threat

Tier = Literal["quick", "standard"]


def autoattack(
    classifier: nn.Module, images: Images, threat: Threat, *, tier: Tier, seed: int
) -> tuple[Tensor, tuple[str, ...]]:
    """Attack images with AutoAttack (Croce and Hein, 2020), pyautoattack's version.

    Args:
        classifier: in eval mode; on the images' device.
        images: what to attack.
        threat: the ball.
        tier: `"standard"` is APGD-CE, APGD-T, FAB-T and Square as its standard version sets them, `"quick"` the
            first two.
        seed: of its random starts; the global generator is left alone.

    Returns:
        The attacked images, and what AutoAttack warned of.

    Raises:
        MissingExtraError: if pyautoattack is not installed.
        ValueError: if there are fewer than four classes, for which its loss is not defined.
    """
    library, classes = require_autoattack(classifier, images)
    norm = "Linf" if isinstance(threat, LinfBall) else "L2"
    frozen = querying(classifier, "eval", frozen=True)  # its backward passes would leave gradients in the weights
    with frozen, torch.random.fork_rng(), warnings.catch_warnings(), _overheard() as flags:
        warnings.simplefilter("ignore")
        attack = library.AutoAttack(
            classifier, norm=norm, eps=threat.eps, seed=seed, version="standard", device=images.images.device
        )
        attack.apgd_targeted.n_target_classes = min(9, classes - 1)
        attack.fab.n_target_classes = min(9, classes - 1)
        if tier == "quick":
            attack.attacks_to_run = ["apgd-ce", "apgd-t"]
        attacked, _ = attack.run_standard_evaluation(images.images, images.labels, batch_size=512)
    return attacked, tuple(flags)


def require_autoattack(classifier: nn.Module, images: Images) -> tuple[Any, int]:
    """The library that has it and the classifier's number of classes, which must be enough for it.

    Raises:
        MissingExtraError: if pyautoattack is not installed.
        ValueError: if there are fewer than four classes.
    """
    library = require_extra("pyautoattack", extra="vision", purpose="AutoAttack")
    with torch.no_grad():
        classes: int = classifier(images.images[:1]).shape[1]
    if classes < 4:
        raise ValueError(
            f"AutoAttack's loss is defined for 4 classes or more, the classifier has {classes}; "
            "evaluate such a classifier with PGM on the margin loss."
        )
    return library, classes


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
