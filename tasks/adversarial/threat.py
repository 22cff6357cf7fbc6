"""What an attacker may do: a ball around the image, and pixels that stay pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

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


def grown(threat: Threat, part: float) -> Threat:
    """A threat while it grows: its radius is a part of its own, above 0; all of it from 1 on."""
    return threat if part >= 1 else type(threat)(part * threat.eps)


def require_threat(threat: object, shape: Sequence[int], name: str = "threat") -> Threat:
    """Refuse what is no ball, and a ball that holds every image: its radius is of another unit.

    Args:
        threat: what was given.
        shape: (channels, height, width) of the images.
        name: of the argument.

    Raises:
        TypeError: if it is no `LinfBall` or `L2Ball`.
        ValueError: if no image of this shape lies outside.
    """
    threat = require_ball(threat, name)
    require_in_pixels("radius", threat.eps, threat, shape)
    return threat


def require_in_pixels(name: str, length: float, threat: Threat, shape: Sequence[int]) -> None:
    """Refuse a length that reaches from any image to any other: it is of another unit.

    Args:
        name: what it is the length of.
        length: in the threat's norm.
        threat: whose norm counts.
        shape: (channels, height, width) of the images.

    Raises:
        ValueError: if no two images of this shape are that far apart.
    """
    whole = farthest_apart(threat, shape)
    if length >= whole:
        raise ValueError(
            f"a {name} of {length:g} lets an attacker replace every image in [0, 1] by any other, which are at "
            f"most {whole:.4g} apart; give it in units of pixels in [0, 1], such as {_in_pixels(length)}."
        )


def require_lengths_in_pixels(lengths: Mapping[str, float], threat: Threat, shape: Sequence[int]) -> None:
    """The same of an optimizer's `lengths`."""
    for name, length in lengths.items():
        require_in_pixels(name, length, threat, shape)


def farthest_apart(threat: Threat, shape: Sequence[int]) -> float:
    """The distance of a black and a white image in the threat's norm."""
    return 1.0 if isinstance(threat, LinfBall) else math.sqrt(math.prod(shape))


def require_ball(threat: object, name: str = "threat") -> Threat:
    """Refuse what is no ball; `name` is the argument's.

    Raises:
        TypeError: if it is no `LinfBall` or `L2Ball`.
    """
    if not isinstance(threat, LinfBall | L2Ball):
        raise TypeError(
            f"{name} must be a ball, LinfBall(eps) or L2Ball(eps), got {type(threat).__name__} {threat!r}; "
            "8 of 255 levels are LinfBall(8 / 255)."
        )
    return threat


def _in_pixels(length: float) -> str:
    return f"{length:g} / 255 = {length / 255:.4g}" if length < 255 else "8 / 255"
