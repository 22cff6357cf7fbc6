"""The perturbation of the last step, moved by the gradient that theta's own pass gave: Free training's start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l import Iterate, Tree, leaves
from minimax_l2l.errors import require_positive
from tasks.adversarial.starts.base import Start
from tasks.adversarial.threat import require_in_pixels

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem


class CarriedStart(Start):
    """d <- project(d + step_size * direction(gradient)) after every step, d the perturbation that was played.

    The gradient is the by-product of theta's own backward, so a step needs no query. With `GradientAscent(steps=0)`
    and `AdversarialTraining(..., replays=m)` it is Free-m: each batch is played m times in a row. Perturbations are
    carried on, by their place in the batch, from replay to replay and to the next batch. The first one is zero.

    Source: Shafahi et al., Adversarial Training for Free, 2019.

    Args:
        step_size: in the units of the threat's radius; None is that radius, as in the paper.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not positive.
    """

    keeps_gradient = True

    def __init__(self, step_size: float | None = None) -> None:
        self.step_size = require_positive("step_size", step_size) if step_size is not None else None
        self._carried: Tensor | None = None

    def initial(self, problem: PerturbationProblem) -> Tensor:
        """What the last step left; zero in places that a batch had none of yet."""
        images = problem.images
        if self.step_size is not None:
            require_in_pixels("step_size", self.step_size, problem.threat, images.shape[1:])
        if self._carried is None:
            return torch.zeros_like(images)
        own = self._carried.to(images)[: len(images)]
        return torch.cat([own, torch.zeros_like(images[len(own) :])])

    def remember(self, problem: PerturbationProblem, end: Iterate, gradient: Tree | None) -> None:
        """Move the perturbation within the threat, whatever pixels it will be added to."""
        assert gradient is not None
        played, slope, ball = leaves(end.y)[0], leaves(gradient)[0], problem.threat
        step = ball.eps if self.step_size is None else self.step_size
        moved = ball.project(played + step * leaves(ball.direction(slope))[0])
        moved = torch.where(moved.isfinite(), moved, played)  # of a step that has failed and that nobody waits for
        others = moved[:0] if self._carried is None else self._carried.to(moved)[len(moved) :]
        self._carried = torch.cat([moved, others])

    def require_shares(self, batch_size: int, processes: int) -> None:  # noqa: ARG002
        """Refuse several processes, of which each would have to carry its own part through a checkpoint."""
        if processes > 1:
            raise ValueError(
                f"CarriedStart carries perturbations within one process, got {processes}; pass devices=1."
            )

    def state_dict(self) -> dict[str, Any]:
        """The perturbations."""
        return {"carried": self._carried}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._carried = state["carried"]
