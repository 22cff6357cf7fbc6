"""TRADES: the loss on clean images, plus how far the attack moves the prediction."""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minimax_l2l import Losses
from minimax_l2l.errors import require_not_negative
from tasks.adversarial.losses import Loss, cross_entropy, require_untargeted, require_values
from tasks.adversarial.outer_losses.base import OuterLoss
from tasks.adversarial.outer_losses.logits import Logits


class Trades(OuterLoss):
    """mean_i loss(f(x_i), label_i) + beta KL(softmax f(x_i) || softmax f(x_i + d_i)); y ascends the divergence.

    To y the clean prediction is a constant, which costs one forward per batch. The divergence has no gradient at
    d = 0, so an attacker that follows gradients needs a random start; a small one will do.

    Source: Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, 2019.

    Args:
        beta: weight of the divergence, 1 / lambda in the paper.
        loss: on clean images; cross-entropy unless told.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if beta is negative, or the loss is `towards`.
    """

    def __init__(self, beta: float = 6.0, loss: Loss = cross_entropy) -> None:
        self.beta, self.loss = require_not_negative("beta", beta), require_untargeted(loss)

    def losses(self, logits: Logits) -> Losses:
        """Two forwards; both have gradients, as in the authors' code."""
        clean = require_values(self.loss(logits.clean, logits.labels), logits.labels).mean()
        moved = divergence(logits.clean.log_softmax(1), logits.attacked).mean()
        return Losses(clean + self.beta * moved, moved)

    def ascended(self, classifier: nn.Module, images: Tensor) -> Loss:
        """The divergence from the clean prediction."""
        return DivergenceFromClean(classifier, images)


class DivergenceFromClean:
    """KL(softmax f(x_i) || softmax logits_i), f(x_i) a constant that is computed when first needed.

    Args:
        classifier: f.
        images: x, clean.
    """

    def __init__(self, classifier: nn.Module, images: Tensor) -> None:
        self._classifier, self._images = classifier, images

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """One value per image; labels play no part."""
        return divergence(self._clean, logits)

    @cached_property
    @torch.no_grad()
    def _clean(self) -> Tensor:
        logits: Tensor = self._classifier(self._images)
        return logits.log_softmax(1)


def divergence(log_clean: Tensor, logits: Tensor) -> Tensor:
    """KL(p || q) = sum_j p_j (log p_j - log q_j), shape (n,), with log p given and q = softmax(logits).

    Logarithms are never taken of a probability, which may be rounded to 0: no value and no gradient is NaN.
    """
    return F.kl_div(logits.log_softmax(1), log_clean, reduction="none", log_target=True).sum(1)
