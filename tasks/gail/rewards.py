"""What the policy is paid, by name, from the discriminator's logit z; D = sigmoid(z) says "policy"."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Reward = Callable[[Tensor], Tensor]


def survival(logits: Tensor) -> Tensor:
    """-log D = softplus(-z) >= 0, the paper's: every step pays, so it also teaches to live long."""
    return F.softplus(-logits)


def goal(logits: Tensor) -> Tensor:
    """log(1 - D) = -softplus(z) <= 0: every step costs, so it also teaches to come to an end soon."""
    return -F.softplus(logits)


def neutral(logits: Tensor) -> Tensor:
    """log(1 - D) - log D = -z, of both signs: what is left to learn is the expert's."""
    return -logits


def plus_one(logits: Tensor) -> Tensor:
    """1, whatever the discriminator says: the control that shows what a survival bonus alone teaches."""
    return torch.ones_like(logits)


def minus_one(logits: Tensor) -> Tensor:
    """-1, whatever the discriminator says: the control that shows what a price a step alone teaches."""
    return -torch.ones_like(logits)


REWARDS: Mapping[str, Reward] = {
    "survival": survival,
    "goal": goal,
    "neutral": neutral,
    "plus-one": plus_one,
    "minus-one": minus_one,
}
