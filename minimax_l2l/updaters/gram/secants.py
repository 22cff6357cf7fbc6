"""The objective's second derivatives as far as past steps tell them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NOTHING_NEW = 0.05  # length, of a step of length one, of what it adds to newer ones and is too little to go by


class Curvature(NamedTuple):
    """A symmetric H with H s = s' for the steps s and changes of slope s' that were seen.

    Attributes:
        matrix: H, shape (n, d, d).
        seen: an orthonormal basis of the directions in which H was seen, shape (n, d, m); columns may be zero.
        size: the largest change of slope per length of a step, shape (n,).
        doubt: how far what was seen is from symmetric, as it is where H changes along the way: shape (n,).
    """

    matrix: Tensor
    seen: Tensor
    size: Tensor
    doubt: Tensor


def curvature(steps: Tensor, rates: Tensor, assumed: Tensor) -> Curvature:
    """The symmetric matrix nearest to a diagonal one that agrees with what was seen, newer steps first.

    Args:
        steps: directions of the steps, newest first, of length one or zero, shape (n, m, d).
        rates: how the objective's slope changed along each, per length: shape (n, m, d).
        assumed: that diagonal, in units of the largest curvature seen, shape (n, d).

    Source: the least change in the Frobenius norm is Powell's, 1970.
    """
    size = torch.linalg.vector_norm(rates, dim=2).amax(1)
    size = size.masked_fill(size == 0, 1)  # of a player who was at rest long enough to forget
    seen, slopes = _independent(steps, rates)
    prior = torch.diag_embed(size[:, None] * assumed)
    surprise = slopes - prior @ seen
    inside = seen.mT @ surprise
    doubt = torch.linalg.matrix_norm(inside - inside.mT) / 2
    news = surprise @ seen.mT
    matrix = prior + news + news.mT - seen @ ((inside + inside.mT) / 2) @ seen.mT
    return Curvature(matrix, seen, size, doubt)


def _independent(steps: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal directions in the span of the steps, newer steps first, and how the slope changes along them."""
    seen, slopes = steps.new_zeros(steps.mT.shape), steps.new_zeros(steps.mT.shape)
    found = steps.new_zeros(len(steps), 1)
    for place, (step, rate) in enumerate(zip(steps.unbind(1), rates.unbind(1), strict=True)):
        for _ in range(2 if place else 0):  # twice is enough for rounding
            known = (seen[:, :, :place] * step[:, :, None]).sum(1, keepdim=True)
            step = step - (seen[:, :, :place] * known).sum(2)
            rate = rate - (slopes[:, :, :place] * known).sum(2)
        left = torch.linalg.vector_norm(step, dim=1, keepdim=True)
        scale = torch.where(left > NOTHING_NEW, 1 / left, 0)
        seen[:, :, place], slopes[:, :, place] = step * scale, rate * scale
        found = found + (left > NOTHING_NEW)
        if bool((found >= steps.shape[2]).all()):  # every direction is there
            break
    return seen, slopes
