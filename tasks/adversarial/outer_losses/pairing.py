"""Logit pairing: theta is also to answer alike where an attack starts and where it ends."""

from __future__ import annotations

from torch import Tensor, nn

from minimax_l2l import Losses
from minimax_l2l.errors import require_not_negative
from tasks.adversarial.losses import Loss, cross_entropy
from tasks.adversarial.outer_losses.base import OuterLoss, as_outer_loss
from tasks.adversarial.outer_losses.logits import Logits


class LogitPairing(OuterLoss):
    """An outer loss plus weight mean_ij (f(x_i + y_0,i)_j - f(x_i + y_K,i)_j)^2, y_0 where the attack starts.

    Theta receives gradients through both. y ascends what it ascends without the pairing.

    Source: Jia et al., Prior-Guided Adversarial Initialization for Fast Adversarial Training, 2022, whose weight is
    10; Kannan et al., Adversarial Logit Pairing, 2018, pair with the clean image.

    Args:
        weight: of the squared difference.
        of: the loss that it is added to: an outer loss, or a function that takes the logits of perturbed images.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the weight is negative.
    """

    def __init__(self, weight: float, of: OuterLoss | Loss = cross_entropy) -> None:
        self.weight, self.of = require_not_negative("weight", weight), as_outer_loss("of", of)
        self.period = self.of.period

    def at(self, step: int, of: int) -> OuterLoss:
        """With the loss that it is added to as that is then."""
        now = self.of.at(step, of)
        return self if now is self.of else type(self)(self.weight, now)

    def losses(self, logits: Logits) -> Losses:
        """One forward more than the loss that it is added to."""
        alone = self.of.losses(logits)
        assert alone.outer is not None
        apart = (logits.start - logits.attacked).square().mean()
        return alone._replace(outer=alone.outer + self.weight * apart)

    def ascended(self, classifier: nn.Module, images: Tensor) -> Loss | None:
        """The same as without the pairing."""
        return self.of.ascended(classifier, images)
