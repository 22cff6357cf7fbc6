"""NuAT: the attack is not to move the logits of a batch, measured all at once by the nuclear norm."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Self

import torch
from torch import Tensor, nn

from minimax_l2l import Losses
from minimax_l2l.errors import require_not_negative
from tasks.adversarial.losses import Loss, cross_entropy, require_untargeted, require_values
from tasks.adversarial.outer_losses.base import OuterLoss
from tasks.adversarial.outer_losses.logits import Logits


class Nuat(OuterLoss):
    """mean_i loss(f(x_i), label_i) + lambda ||A||_* / n, row i of A being f(x_i + d_i) - f(x_i).

    ||A||_* is the sum of A's singular values. Lambda grows linearly from 0 at a run's first step to `weight` at its
    end. On every second step y ascends mean_i loss(f(x_i + d_i), label_i) + lambda ||A||_* / n, where f(x_i) is a
    constant that costs a forward; on the others it ascends the loss alone, as in the authors' code. The norm has no
    useful gradient at d = 0, so start with `CornerStart(eps / 2)`.

    The nuclear norm couples the images of a batch: what an attack on one of them ascends depends on the others.
    This is the method, and the one loss here under which images are not independent. As an objective, image i has
    its share of the norm, see `shares`. Processes that share a batch take the norm of their own parts.

    Source: Sriramanan et al., Towards Efficient and Effective Adversarial Training, 2021.

    Args:
        weight: lambda at the end of a run.
        loss: one value per image; cross-entropy unless told.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the weight is negative.
    """

    period = 2

    def __init__(self, weight: float = 4.0, loss: Loss = cross_entropy) -> None:
        self.weight, self.loss = require_not_negative("weight", weight), require_untargeted(loss)
        self._attacks = True  # whether y ascends the norm

    def at(self, step: int, of: int) -> Self:
        """With the lambda of a step, and what y ascends then."""
        now = copy.copy(self)
        now.weight = self.weight * min(step / of, 1.0)
        now._attacks = step % 2 == 1
        return now

    def losses(self, logits: Logits) -> Losses:
        """Two forwards; both have gradients."""
        clean = require_values(self.loss(logits.clean, logits.labels), logits.labels).mean()
        apart = self.weight * shares(logits.attacked - logits.clean).mean()
        ascended = self.loss(logits.attacked, logits.labels).mean()
        return Losses(clean + apart, ascended + apart if self._attacks else ascended)

    def ascended(self, classifier: nn.Module, images: Tensor) -> Loss:
        """The loss, and on every second step each image's share of the norm."""
        if not (self._attacks and self.weight):
            return self.loss
        return _AwayFromClean(classifier, images, self.weight, self.loss)


class _AwayFromClean:
    """loss_i + weight share_i of the logits' distance to the clean ones, constants computed when needed."""

    def __init__(self, classifier: nn.Module, images: Tensor, weight: float, loss: Loss) -> None:
        self._classifier, self._images, self._weight, self._loss = classifier, images, weight, loss

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self._loss(logits, labels) + self._weight * shares(logits - self._clean)

    @cached_property
    @torch.no_grad()
    def _clean(self) -> Tensor:
        logits: Tensor = self._classifier(self._images)
        return logits


def shares(rows: Tensor) -> Tensor:
    """<row_i, (U V^T)_i>, shape (n,), where U S V^T are the rows: they sum to the nuclear norm.

    U V^T is a constant here, and yet the gradient of the sum is the norm's own: d ||A||_* = <U V^T, dA>. Directions
    whose singular value is zero, up to rounding, are left out, so that equal logits have no gradient.
    """
    with torch.no_grad():
        known = torch.where(rows.isfinite(), rows, 0).float()  # NaN is told by the product below
        left, sizes, right = torch.linalg.svd(known, full_matrices=False)
        least = max(rows.shape) * torch.finfo(sizes.dtype).eps * sizes.amax()
        polar = ((left * (sizes > least)) @ right).to(rows.dtype)
    product: Tensor = rows * polar
    return product.sum(1)
