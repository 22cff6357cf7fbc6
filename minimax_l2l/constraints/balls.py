"""Balls around the origin in the largest-entry and the Euclidean norm."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minimax_l2l.constraints.base import TensorConstraint
from minimax_l2l.constraints.norms import event_max, event_norm, event_rows, event_sum, signs
from minimax_l2l.constraints.region import Region, shrink
from minimax_l2l.errors import require_positive
from minimax_l2l.trees import Tree


class LinfBall(TensorConstraint):
    """max_j |y_j| <= eps; projection clamp(y, -eps, eps).

    Args:
        eps: radius, in the units of y.
    """

    def __init__(self, eps: float) -> None:
        self.eps = require_positive("eps", eps)

    def project(self, y: Tree) -> Tensor:
        """clamp(y, -eps, eps)."""
        return self._tensor(y).clamp(-self.eps, self.eps)

    def squash(self, update: Tree) -> Tensor:
        """The update bounded entry by entry: eps tanh(update)."""
        return self.eps * torch.tanh(self._tensor(update))

    def direction(self, gradient: Tree) -> Tensor:
        """sign(gradient), the steepest ascent in the maximum norm; NaN where the gradient is no finite number."""
        return signs(self._tensor(gradient))

    def violation(self, y: Tree) -> Tensor:
        """max(0, max_j |y_j| - eps)."""
        return (event_max(self._tensor(y).abs()) - self.eps).clamp_min(0)

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the ball."""
        return self.eps * (2 * self._tensor(noise) - 1)

    def region(self) -> Region:
        """The box from -eps to eps."""
        return Region(-self.eps, self.eps)


class L2Ball(TensorConstraint):
    """||y||_2 <= eps; projection y min(1, eps / ||y||).

    Args:
        eps: radius, in the units of y.
    """

    def __init__(self, eps: float) -> None:
        self.eps = require_positive("eps", eps)

    def project(self, y: Tree) -> Tensor:
        """Scale y back to the sphere where it lies outside."""
        return shrink(self._tensor(y), self.eps)

    def squash(self, update: Tree) -> Tensor:
        """The update u bounded in length: eps u / sqrt(1 + ||u||^2), which is about eps u near zero."""
        tensor = self._tensor(update)
        return self.eps * tensor / (1 + event_sum(tensor.square())).sqrt()

    def violation(self, y: Tree) -> Tensor:
        """max(0, ||y|| - eps)."""
        return (event_norm(self._tensor(y)).flatten() - self.eps).clamp_min(0)

    def sample(self, noise: Tree) -> Tensor:
        """Uniform in the ball: normal coordinates z, scaled to radius eps P(|Z| <= |z|)^(1/d)."""
        uniform = self._tensor(noise)
        flat = event_rows(uniform)
        tiny = torch.finfo(uniform.dtype).eps
        normal = math.sqrt(2) * torch.erfinv((2 * flat - 1).clamp(-1 + tiny, 1 - tiny))
        # The length of z is independent of its direction, and its distribution function makes it uniform.
        halved = torch.full_like(flat[:, 0], flat.shape[1] / 2)
        share = torch.special.gammainc(halved, normal.square().sum(1) / 2)
        radius = self.eps * share.pow(1 / flat.shape[1])
        direction = normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True).clamp_min(tiny)
        return torch.mul(radius[:, None], direction).view_as(uniform)

    def region(self) -> Region:
        """The ball."""
        return Region(radius=self.eps)
