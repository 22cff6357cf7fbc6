"""The objective's second derivatives as far as past steps tell them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NOTHING_NEW = 0.05  # length, of a step of length one, of what it adds to newer ones and is too little to go by
BLOCK = 32  # steps that are compared with all newer ones at once, for speed alone


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
    prior = size[:, None] * assumed
    surprise = slopes - prior[:, :, None] * seen
    inside = seen.mT @ surprise
    doubt = torch.linalg.matrix_norm(inside - inside.mT) / 2
    news = (surprise - seen @ ((inside + inside.mT) / 4)) @ seen.mT  # what is seen from both sides counts once
    return Curvature(torch.diag_embed(prior) + news + news.mT, seen, size, doubt)


def _independent(steps: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal directions in the span of the steps, newer steps first, and how the slope changes along them."""
    pairs, size = torch.cat([steps, rates], dim=2), steps.shape[2]
    found, place = steps.new_zeros(len(steps), 1, 1), -1
    for place in range(pairs.shape[1]):
        first = place - place % BLOCK
        if place == first:
            _take_out(pairs[:, :first], pairs[:, first : first + BLOCK], size)
        own = pairs[:, place : place + 1]
        _take_out(pairs[:, first:place], own, size)
        left = torch.linalg.vector_norm(own[:, :, :size], dim=2, keepdim=True)
        own *= torch.where(left > NOTHING_NEW, 1 / left, 0)
        found += left > NOTHING_NEW
        if bool((found >= size).all()):  # every direction is there
            break
    columns = pairs[:, : place + 1].mT
    return columns[:, :size], columns[:, size:]


def _take_out(known: Tensor, pairs: Tensor, size: int) -> None:
    """Make steps orthogonal to the known directions, and their rates what is left of them."""
    for _ in range(2 if known.shape[1] else 0):  # twice is enough for rounding
        pairs -= (pairs[:, :, :size] @ known[:, :, :size].mT) @ known
