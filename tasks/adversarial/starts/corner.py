"""A random start at a corner of the ball: every entry plus or minus the same number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minimax_l2l import leaves
from minimax_l2l.errors import require_positive
from tasks.adversarial.starts.base import Start

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem


class CornerStart(Start):
    """y_0 = radius * direction(u), u uniform in [-1/2, 1/2): +-radius in each entry of an L_inf ball.

    In an L2 ball it is a random point of the sphere of that radius. It is clipped to [0, 1] and to the threat.

    Source: Sriramanan et al., Towards Efficient and Effective Adversarial Training, 2021, who start NuAT's attack
    at half of eps; they call it Bernoulli noise.

    Args:
        radius: in the units of the threat's.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not positive.
    """

    def __init__(self, radius: float) -> None:
        self.radius = require_positive("radius", radius)

    def initial(self, problem: PerturbationProblem) -> Tensor:
        """Another corner at each step, which belongs to the image."""
        return corner(problem, self.radius)


def corner(problem: PerturbationProblem, radius: float) -> Tensor:
    """A random corner for each image of a batch at a step."""
    noise = leaves(problem.noise(torch.zeros_like(problem.images)))[0]
    return radius * leaves(problem.threat.direction(noise - 0.5))[0]
