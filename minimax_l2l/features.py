"""What a learned optimizer sees of an iterate: A(x, y, theta), channel by channel.

Features of n instances have shape (n, channels, *event), where `event` is the shape of one instance of the
inner variable. A network that works on images merges channels into colours, one that works coordinate by
coordinate reads them as its inputs, one that is dense flattens them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Literal

import torch
from torch import Tensor

from minimax_l2l.arguments import Shown, arguments
from minimax_l2l.errors import require_choice, require_flag, require_positive
from minimax_l2l.trees import per_instance

Normalisation = Literal["rms", "max", "batch-max", "sign", "none"]


def normalise(gradient: Tensor, how: Normalisation) -> Tensor:
    """Bring a gradient to unit size, instance by instance; a zero gradient stays zero.

    Args:
        gradient: shape (n, *event).
        how: `"rms"` divides by the root mean square, `"max"` by the largest absolute entry, `"batch-max"` by
            the largest absolute entry of the whole batch (as the paper's authors' code does: one instance's
            features then depend on its neighbours), `"sign"` keeps the sign of each entry, `"none"` leaves it.
    """
    if how == "none":
        return gradient
    if how == "sign":
        return gradient.sign() + (gradient - gradient)  # the sign of NaN is 0, which would hide it
    if how == "rms":
        return gradient / _nonzero(root_mean_square(gradient))
    largest = largest_entry(gradient)
    return gradient / _nonzero(largest.amax().expand_as(largest) if how == "batch-max" else largest)


def largest_entry(gradient: Tensor) -> Tensor:
    """max_j |g_j| of each instance, shaped to broadcast over it."""
    return per_instance(gradient.reshape(gradient.shape[0], -1).abs().amax(1), gradient)


def root_mean_square(gradient: Tensor) -> Tensor:
    """sqrt(mean_j g_j^2) of each instance, shaped to broadcast over it; differentiable at zero.

    The largest entry is taken out of the root, so that a tiny gradient's square does not underflow.
    """
    scale = _nonzero(largest_entry(gradient).detach())
    mean = (gradient / scale).reshape(gradient.shape[0], -1).square().mean(1)
    root = torch.where(mean > 0, torch.where(mean > 0, mean, 1).sqrt(), 0)
    return scale * per_instance(root, gradient)


def _nonzero(size: Tensor) -> Tensor:
    return torch.where(size > 0, size, 1)


class Features(Shown, ABC):
    """A map from the iterate and its gradient to the updater's input.

    A new one is a subclass with a `__call__`. To be saved, it keeps each argument of its constructor under the
    argument's own name, as updaters do.

    Attributes:
        channels: size of the second dimension of what it returns.
        needs_gradient: whether it reads the gradient; if not, none is queried and none is paid for.
    """

    channels: int
    needs_gradient: bool

    @abstractmethod
    def __call__(self, iterate: Tensor, gradient: Tensor | None) -> Tensor:
        """Features of shape (n, channels, *event) from two tensors of shape (n, *event)."""

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, to build the same features again; see `arguments`."""
        return arguments(self)


class IterateFeatures(Features):
    """A = y: what the paper's Naive attacker sees (for a perturbation, the perturbed image)."""

    channels = 1
    needs_gradient = False

    def __call__(self, iterate: Tensor, gradient: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """The iterate alone."""
        return iterate[:, None]


class GradientFeatures(Features):
    """A = [y, g]: what the paper's gradient and multi-step attackers see.

    Args:
        normalise: how the gradient is brought to unit size; see `normalise`.
        iterate: whether y is seen beside g; without it the optimizer does not depend on where the origin is.
    """

    needs_gradient = True

    def __init__(self, normalise: Normalisation = "rms", *, iterate: bool = True) -> None:
        require_choice("normalisation", normalise, ("rms", "max", "batch-max", "sign", "none"))
        self.normalise: Normalisation = normalise
        self.iterate = require_flag("iterate", iterate)
        self.channels = 2 if iterate else 1

    def __call__(self, iterate: Tensor, gradient: Tensor | None) -> Tensor:
        """The normalised gradient, the iterate before it."""
        if gradient is None:
            raise ValueError("GradientFeatures needs a gradient, got None; query one from the oracle first.")
        unit = normalise(gradient, self.normalise)
        return torch.stack([iterate, unit], dim=1) if self.iterate else unit[:, None]


class LogSignFeatures(Features):
    """A = [y, log max(|g|, e^-p) / p, clip(e^p g, -1, 1)]: gradients that are tiny and of mixed scale.

    The first channel is the iterate. The second is the gradient's magnitude on a logarithmic scale, -1 for all
    that is below e^-p. The third is its sign, or e^p g where it is that small. So entries that differ by orders
    of magnitude are told apart, and the updater also sees how the whole gradient shrinks, which
    `GradientFeatures` normalises away.

    Source: Andrychowicz et al., Learning to learn by gradient descent by gradient descent, 2016, Appendix A.

    Args:
        p: how far down magnitudes are told apart; 10 as in the source, which is 4.5e-5.
        iterate: whether y is seen.
    """

    needs_gradient = True

    def __init__(self, p: float = 10.0, *, iterate: bool = True) -> None:
        self.p = require_positive("p", p)
        self.iterate = require_flag("iterate", iterate)
        self.channels = 3 if iterate else 2

    def __call__(self, iterate: Tensor, gradient: Tensor | None) -> Tensor:
        """The iterate if it is seen, magnitudes, signs."""
        if gradient is None:
            raise ValueError("LogSignFeatures needs a gradient, got None; query one from the oracle first.")
        magnitude = gradient.abs().clamp_min(math.exp(-self.p)).log() / self.p
        sign = (math.exp(self.p) * gradient).clamp(-1, 1)
        return torch.stack([iterate, magnitude, sign] if self.iterate else [magnitude, sign], dim=1)
