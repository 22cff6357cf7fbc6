"""The Jensen-Shannon divergence between the predictions where an attack starts and where it ends."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from minimax_l2l import Losses
from minimax_l2l.errors import require_not_negative
from tasks.adversarial.losses import Loss, cross_entropy
from tasks.adversarial.outer_losses.base import OuterLoss, as_outer_loss
from tasks.adversarial.outer_losses.logits import Logits
from tasks.adversarial.outer_losses.trades import divergence


class JensenShannon(OuterLoss):
    """An outer loss plus w mean_i JS(p_i, q_i), p = softmax f(x + y_0), q = softmax f(x + y_K).

    JS(p, q) = 1/2 KL(p || m) + 1/2 KL(q || m), m = (p + q) / 2: it lies between 0 and log 2. The weight w grows
    linearly from 0 at a run's first step to `weight` at its end. Theta receives gradients through both predictions.
    y ascends what it ascends without the divergence.

    Source: LIET (github.com/fzjcdt/LIET, 2025), whose weight is 100 at eps = 8/255 and 20 at 16/255.

    Args:
        weight: of the divergence at the end of a run.
        of: the loss that it is added to: an outer loss, or a function that takes the logits of perturbed images.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the weight is negative.
    """

    def __init__(self, weight: float, of: OuterLoss | Loss = cross_entropy) -> None:
        self.weight, self.of = require_not_negative("weight", weight), as_outer_loss("of", of)
        self.period = self.of.period

    def at(self, step: int, of: int) -> OuterLoss:
        """With the weight of a step."""
        return type(self)(self.weight * min(step / of, 1.0), self.of.at(step, of))

    def losses(self, logits: Logits) -> Losses:
        """One forward more than the loss that it is added to."""
        alone = self.of.losses(logits)
        assert alone.outer is not None
        apart = jensen_shannon(logits.start, logits.attacked).mean()
        return alone._replace(outer=alone.outer + self.weight * apart)

    def ascended(self, classifier: nn.Module, images: Tensor) -> Loss | None:
        """The same as without the divergence."""
        return self.of.ascended(classifier, images)


def jensen_shannon(one: Tensor, other: Tensor) -> Tensor:
    """JS(softmax one, softmax other), shape (n,); as in `divergence`, no logarithm of a probability is taken."""
    first, second = one.log_softmax(1), other.log_softmax(1)
    middle = torch.logaddexp(first, second) - math.log(2)
    return (divergence(first, middle) + divergence(second, middle)) / 2
