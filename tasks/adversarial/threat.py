"""What an attacker may do: a ball around the image, and pixels that stay pixels."""

from __future__ import annotations

from torch import Tensor

from minimax_l2l import Box, Constraint, Intersection, L2Ball, LinfBall

Threat = LinfBall | L2Ball


class PixelBox(Box):
    """Perturbations d with 0 <= image + d <= 1.

    Args:
        images: in [0, 1], shape (n, channels, height, width).
    """

    def __init__(self, images: Tensor) -> None:  # no check of the bounds: images were checked at the door
        self.low, self.high, self.holds_origin = -images, 1 - images, True


def perturbations(images: Tensor, threat: Threat) -> Constraint:
    """The perturbations of `images` that lie in the threat's ball and keep pixels in [0, 1]."""
    return Intersection(threat, PixelBox(images))
