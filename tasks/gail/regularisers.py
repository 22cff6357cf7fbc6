"""Hand-designed terms that calm a discriminator; each is subtracted from what it ascends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from minimax_l2l.errors import require_positive
from tasks.gail.pairs import Pairs

if TYPE_CHECKING:
    from tasks.gail.discriminator import Discriminator


class Regulariser(ABC):
    """A number to subtract from the discriminator's objective.

    Args:
        coefficient: factor on it.
    """

    def __init__(self, coefficient: float) -> None:
        self.coefficient = require_positive("coefficient", coefficient)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.coefficient:g})"

    @abstractmethod
    def __call__(
        self, discriminator: Discriminator, weights: Tensor, policy: Pairs, expert: Pairs, draws: Tensor
    ) -> Tensor:
        """The term at weights of shape (m,).

        Args:
            discriminator: the network.
            weights: its weight vector.
            policy: n pairs of the policy; `policy.mean(values)` weighs one value per pair as the objective does.
            expert: pairs of the expert.
            draws: uniform random numbers in [0, 1), shape (n, 2), the same at every call of one iteration.
        """


class GradientPenalty(Regulariser):
    """c E (||grad_x z(x)|| - 1)^2, x uniformly between a pair of the policy and a random one of the expert.

    Source: Gulrajani et al., Improved Training of Wasserstein GANs, 2017.

    Args:
        coefficient: c.
    """

    def __init__(self, coefficient: float = 10.0) -> None:
        super().__init__(coefficient)

    def __call__(
        self, discriminator: Discriminator, weights: Tensor, policy: Pairs, expert: Pairs, draws: Tensor
    ) -> Tensor:
        """See `Regulariser`."""
        partner = expert.pick(draws[:, 1])
        between = (partner + draws[:, :1] * (policy.inputs - partner)).requires_grad_()
        with torch.enable_grad():
            logits = discriminator(weights, between)
            slope = torch.autograd.grad(logits.sum(), between, create_graph=True)[0]
        return self.coefficient * policy.mean((slope.norm(dim=1) - 1).square())


class _OfBothSides(Regulariser):
    """c / 2 (E_pi h(z) + E_E h(z)) of one number h per pair."""

    @staticmethod
    @abstractmethod
    def each(logits: Tensor) -> Tensor:
        """h, shaped as the logits z."""

    def __call__(
        self,
        discriminator: Discriminator,
        weights: Tensor,
        policy: Pairs,
        expert: Pairs,
        draws: Tensor,  # noqa: ARG002
    ) -> Tensor:
        """See `Regulariser`."""
        ours, theirs = (side.mean(self.each(discriminator(weights, side.inputs))) for side in (policy, expert))
        return 0.5 * self.coefficient * (ours + theirs)


class EntropyBonus(_OfBothSides):
    """-c / 2 (E_pi H(D) + E_E H(D)), which keeps D from being sure of itself.

    Source: Ho and Ermon's code, with c = 0.001 and as many pairs of the expert as of the policy.

    Args:
        coefficient: c.
    """

    def __init__(self, coefficient: float = 1e-3) -> None:
        super().__init__(coefficient)

    @staticmethod
    def each(logits: Tensor) -> Tensor:
        """-H(D)."""
        return -F.binary_cross_entropy_with_logits(logits, logits.sigmoid(), reduction="none")


class Controller(_OfBothSides):
    """k / 2 (E_pi (D - 1/2)^2 + E_E (D - 1/2)^2): a pull of D towards 1/2, where the game should end.

    Source: the regulariser of Luo et al., C-GAIL, NeurIPS 2024, as we understand it: a quadratic pull on samples of
    both sides.

    Args:
        coefficient: k.
    """

    def __init__(self, coefficient: float = 1.0) -> None:
        super().__init__(coefficient)

    @staticmethod
    def each(logits: Tensor) -> Tensor:
        """(D - 1/2)^2."""
        return (logits.sigmoid() - 0.5).square()


TERMS: Mapping[str, Callable[[], Regulariser]] = {
    "controller": Controller,
    "gradient penalty": GradientPenalty,
    "entropy bonus": EntropyBonus,
}
