"""Each image's start and the momentum that moves it from epoch to epoch: the prior of FGSM-MEP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l import Iterate, Tree, leaves
from minimax_l2l.errors import require_count, require_not_negative, require_positive
from minimax_l2l.training.processes import from_all
from tasks.adversarial.starts.corner import corner
from tasks.adversarial.starts.memory import PerturbationMemory

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem

LARGEST = torch.finfo(torch.float16).max


class MomentumMemory(PerturbationMemory):
    """m <- momentum m + g / mean|g|,  eta <- project(eta + step_size * direction(m)), g the gradient at eta.

    Eta is where the next attack on the same image starts. The direction is the sign in an L_inf ball and m over its
    length in an L2 ball. With `FGSM(step_size=eps)`, whose own step goes along the sign of g from eta, and
    `LogitPairing(10)` it is FGSM-MEP. g is the first gradient that the attack asks for, so this costs no query. The
    first start of an image is a random corner of the ball.

    It takes 3 bytes per pixel and 5 per image on the run's device: one byte of eta, two of m. That is 248 kilobytes
    for the digits and 461 megabytes for CIFAR-10's 50,000 images. Both follow an image through crops and flips.

    The authors' code differs in three places. It divides g by its size in the whole batch; here an image does not
    know its neighbours, and each epoch counts alike in its momentum. It keeps both tensors in the frame of the
    cropped image. It begins anew in every so many-th epoch; here each image does after so many attacks on it.

    Source: Jia et al., Prior-Guided Adversarial Initialization for Fast Adversarial Training, 2022.

    Args:
        count: how many images.
        shape: (channels, height, width) of one.
        eps: radius of the threat; a byte is a multiple of eps / 127.
        step_size: of eta, in the units of the threat's radius; None is that radius, as in the paper.
        momentum: how much of m is kept.
        begins_anew: after how many attacks on it an image forgets both; None is never. The paper has 40 for
            CIFAR-10 and 10 for CIFAR-100.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the step size or `begins_anew` is not positive, or the momentum negative.
    """

    def __init__(
        self,
        count: int,
        shape: tuple[int, int, int],
        eps: float,
        *,
        step_size: float | None = None,
        momentum: float = 0.3,
        begins_anew: int | None = 40,
    ) -> None:
        super().__init__(count, shape, eps)
        self.step_size = require_positive("step_size", step_size) if step_size is not None else None
        self.momentum = require_not_negative("momentum", momentum)
        self.begins_anew = require_count("begins_anew", begins_anew, least=1) if begins_anew is not None else None
        self.momenta = torch.zeros(count, *shape, dtype=torch.float16)
        self.attacks = torch.zeros(count, dtype=torch.int32)

    def fresh(self, problem: PerturbationProblem) -> Tensor:
        """A random corner of the ball."""
        return corner(problem, problem.threat.eps)

    def remember(self, problem: PerturbationProblem, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Move the momentum by the gradient at the start, and the start by the momentum.

        Raises:
            ValueError: if the attack asked for no gradient.
        """
        if problem.first_gradient is None:
            raise ValueError(
                "MomentumMemory follows the gradient at the start, and the inner optimizer asked for none; pass "
                "one that does, such as FGSM(step_size=eps)."
            )
        start, ball = problem.first, problem.threat
        hidden, before = self._momenta(problem)
        momentum = self.momentum * before + _over_mean_size(problem.first_gradient)
        momentum = torch.where(momentum.isfinite(), momentum, before)  # of a step that has failed
        step = ball.eps if self.step_size is None else self.step_size
        moved = problem.constraint.project(start + step * leaves(ball.direction(momentum))[0])
        super().remember(problem, Iterate(moved), None)
        if problem.placement is not None:
            momentum = problem.placement.undo(momentum, hidden)
        self._keep(problem.indices, momentum.clamp(-LARGEST, LARGEST).half())

    def _momenta(self, problem: PerturbationProblem) -> tuple[Tensor, Tensor]:
        """The momenta of a batch, in the images' own frame and as they are cropped and flipped."""
        self.momenta, self.attacks = (part.to(problem.images.device) for part in (self.momenta, self.attacks))
        own = self.momenta[problem.indices].to(problem.images.dtype)
        return own, own if problem.placement is None else problem.placement.apply(own)

    def _keep(self, indices: Tensor, momenta: Tensor) -> None:
        """Store momenta, those of other processes too; forget both tensors of images whose turn it is."""
        places, momenta = from_all(indices), from_all(momenta)
        attacks = self.attacks[places] + 1
        if self.begins_anew is not None:
            ends = attacks % self.begins_anew == 0
            self.known[places] = ~ends
            momenta = momenta.masked_fill(ends[:, None, None, None], 0)
        self.momenta[places], self.attacks[places] = momenta, attacks

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {**super().state_dict(), "momenta": self.momenta, "attacks": self.attacks}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        super().load_state_dict(state)
        self.momenta, self.attacks = state["momenta"], state["attacks"]


def _over_mean_size(gradient: Tensor) -> Tensor:
    """The gradient over its mean size, g / mean|g|, of each image; zero stays zero."""
    size = gradient.abs().mean((1, 2, 3), keepdim=True)
    return gradient / size.clamp_min(torch.finfo(gradient.dtype).tiny)
