"""A random start within a radius of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minimax_l2l.errors import require_positive
from tasks.adversarial.starts.base import Start
from tasks.adversarial.threat import require_in_pixels

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem


class UniformStart(Start):
    """y_0 uniform in the threat's ball scaled to a radius of its own, then clipped to [0, 1] and to the threat.

    N-FGSM is `FGSM(step_size=eps)` from `UniformStart(k * eps)` in `LinfBall((1 + k) * eps)`, where a step of eps
    is never clipped to eps: the image is moved by noise first, and then attacked.

    Source: de Jorge et al., Make Some Noise: Reliable and Efficient Single-Step Adversarial Training, 2022.

    Args:
        radius: in the units of the threat's.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not positive.
    """

    def __init__(self, radius: float) -> None:
        self.radius = require_positive("radius", radius)

    def initial(self, problem: PerturbationProblem) -> Tensor:
        """Another point at each step, which belongs to the image."""
        require_in_pixels("radius", self.radius, problem.threat, problem.images.shape[1:])
        noise = problem.noise(torch.zeros_like(problem.images))
        return type(problem.threat)(self.radius).sample(noise)
