"""From logits to marks: which images withstood, which fell, and which nobody knows of."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from minimax_l2l import resting
from tasks.adversarial.classifier import as_taken_by

FELL, WITHSTOOD, LOST = MARKS = "01!"  # LOST: the attack ended at NaN or infinity, so nobody knows


class Piece(NamedTuple):
    """What one attack found on some images.

    Attributes:
        marks: a character for each image.
        warned: what else is to be said.
    """

    marks: str
    warned: tuple[str, ...] = ()


@torch.no_grad()
def answers(classifier: nn.Module, pixels: Tensor) -> Tensor:
    """Logits of images in eval mode; the classifier is left in the modes it came in."""
    with resting(classifier):
        logits: Tensor = classifier(as_taken_by(classifier, pixels))
    return logits


def judged(logits: Tensor, labels: Tensor, *, finite: Tensor | None = None) -> Tensor:
    """Each image's place in `MARKS`, shape (n,).

    Args:
        logits: shape (n, classes).
        labels: shape (n,).
        finite: shape (n,), whether each attack stayed among the numbers; all of them if None.
    """
    known = logits.isfinite().all(1)
    if finite is not None:
        known &= finite.to(known.device)
    right = logits.argmax(1) == labels.to(logits.device)
    return torch.where(known, right.long(), MARKS.index(LOST))


def marked(verdicts: Tensor) -> Piece:
    """Places in `MARKS` as a piece."""
    return Piece("".join(MARKS[place] for place in verdicts.tolist()))


def words_of_loss(name: str, count: int) -> str:
    """What is said of images whose attack left the numbers."""
    return (
        f"{name} ended at NaN or infinity on {count} images, which count as lost: look for a division, root or "
        "logarithm in the classifier that can meet zero"
    )
