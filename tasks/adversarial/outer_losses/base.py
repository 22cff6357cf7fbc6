"""What theta descends, as an object: its numbers come from logits, and it may say what y ascends."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from minimax_l2l import Losses
from minimax_l2l.arguments import Shown
from minimax_l2l.errors import require_flag, told
from tasks.adversarial.losses import Loss, require_untargeted, require_values
from tasks.adversarial.outer_losses.logits import Logits


class OuterLoss(Shown, ABC):
    """What theta descends in adversarial training, where that is not the loss that y ascends.

    A subclass needs one method, `losses`. It is pure: it asks for logits and keeps nothing from step to step.

    Attributes:
        period: after how many steps of a run its work repeats; 1 where every step takes the same passes.
    """

    period: int = 1

    def at(self, step: int, of: int) -> OuterLoss:  # noqa: ARG002
        """The loss as it is at a step of a run of so many; itself, as here, if it does not change in a run."""
        return self

    @abstractmethod
    def losses(self, logits: Logits) -> Losses:
        """Both players' numbers at y_K, one number each: `outer`, and as `meta` what y ascends there."""

    def ascended(self, classifier: nn.Module, images: Tensor) -> Loss | None:  # noqa: ARG002
        """What y ascends on a batch instead of the task's loss; None, as here, if it ascends that.

        Args:
            classifier: theta.
            images: of the batch, not perturbed.
        """
        return None


class OnAttacked(OuterLoss):
    """The mean of a loss on the perturbed images: `smoothed(0.1)`, say, while y ascends plain cross-entropy.

    Args:
        loss: one value per image.
        shared: whether phi ascends this mean as well, from the same backward, and not what y ascends.
    """

    def __init__(self, loss: Loss, *, shared: bool = False) -> None:
        self.loss, self.shared = require_untargeted(loss), require_flag("shared", shared)

    def losses(self, logits: Logits) -> Losses:
        """One forward."""
        values = require_values(self.loss(logits.attacked, logits.labels), logits.labels)
        return Losses(values.mean(), None if self.shared else logits.ascended)


def as_outer_loss(name: str, loss: OuterLoss | Loss) -> OuterLoss:
    """An outer loss, or a function of logits and labels as the one on perturbed images.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(loss, OuterLoss):
        return loss
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(
            f"{name} must be an OuterLoss or a function of logits and labels, got {told(loss)}; pass for instance "
            "Trades(), or smoothed(0.1)."
        )
    return OnAttacked(loss)
