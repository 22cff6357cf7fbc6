"""MART: images that the classifier gets wrong without an attack count more."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l import Losses
from minimax_l2l.errors import require_not_negative
from tasks.adversarial.losses import Loss, cross_entropy, require_untargeted, require_values
from tasks.adversarial.outer_losses.base import OuterLoss
from tasks.adversarial.outer_losses.logits import Logits
from tasks.adversarial.outer_losses.trades import divergence


class Mart(OuterLoss):
    """mean_i BCE(q_i, label_i) + beta KL(p_i || q_i) (1 - p_i,label), p = softmax f(x_i), q = softmax f(x_i + d_i).

    BCE(q, label) = -log q_label - log(1 - max_{j != label} q_j): cross-entropy and a margin. y ascends the task's
    loss.

    Source: Wang et al., Improving Adversarial Robustness Requires Revisiting Misclassified Examples, 2020.

    Args:
        beta: weight of the divergence, lambda in the paper.
        loss: in place of -log q_label, one value per image; cross-entropy unless told.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if beta is negative.
    """

    def __init__(self, beta: float = 5.0, loss: Loss = cross_entropy) -> None:
        self.beta, self.loss = require_not_negative("beta", beta), require_untargeted(loss)

    def losses(self, logits: Logits) -> Losses:
        """Two forwards; both have gradients, as in the authors' code."""
        log_clean, labels = logits.clean.log_softmax(1), logits.labels
        wrong = -torch.expm1(log_clean.gather(1, labels[:, None])[:, 0])  # 1 - p_label
        alone = require_values(self.loss(logits.attacked, labels), labels)
        boosted = alone + margin_term(logits.attacked, labels)
        outer = boosted + self.beta * divergence(log_clean, logits.attacked) * wrong
        return Losses(outer.mean(), logits.ascended)


def margin_term(logits: Tensor, labels: Tensor) -> Tensor:
    """-log(1 - max_{j != label} q_j), shape (n,), with q = softmax(logits).

    1 - q_j is the sum of all other probabilities, whose logarithm stays finite where q_j is rounded to 1.
    """
    rival = logits.scatter(1, labels[:, None], -torch.inf).argmax(1, keepdim=True)
    return logits.logsumexp(1) - logits.scatter(1, rival, -torch.inf).logsumexp(1)
