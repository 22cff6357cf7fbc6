"""Losses that an attacker ascends, one value per image."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]  # of logits (n, classes) and labels (n,), one value per image


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(logits)_label, shape (n,)."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """max_{j != label} logits_j - logits_label, shape (n,): positive where the image is misclassified.

    The loss of Carlini and Wagner, Towards Evaluating the Robustness of Neural Networks, 2017, uncapped.
    """
    truth = labels[:, None]
    others = logits.scatter(1, truth, -torch.inf)
    return others.amax(1) - logits.gather(1, truth)[:, 0]


def towards(logits: Tensor, targets: Tensor) -> Tensor:
    """Log softmax(logits)_target, shape (n,): an attack on it wants images to be taken for their targets."""
    return -cross_entropy(logits, targets)


LOSSES: tuple[Loss, ...] = (cross_entropy, margin, towards)
