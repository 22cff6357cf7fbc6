"""Coordinates in the span of some vectors, worked out from their inner products alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

DEPENDENT = 1e-12  # squared length, of vectors of length one, of what counts as lying in the span of the others
BLOCK = 32  # axes after which the inner products are brought up to date, for speed alone


class Span(NamedTuple):
    """An orthonormal basis of the span of c vectors, for each of n instances.

    Attributes:
        coordinates: of each vector in the basis, shape (n, c, r).
        pivots: the vectors that the basis was made of, shape (n, r).
    """

    coordinates: Tensor
    pivots: Tensor

    def mixture(self, point: Tensor) -> Tensor:
        """The weights, shape (n, c), with which the vectors sum to a point of the span, shape (n, r)."""
        count, vectors, rank = self.coordinates.shape
        triangle = self.coordinates.gather(1, self.pivots[:, :, None].expand(-1, -1, rank))
        idle = triangle.diagonal(dim1=1, dim2=2) == 0
        triangle = triangle + torch.diag_embed(idle.to(triangle))
        weights = torch.linalg.solve_triangular(triangle.mT, point[:, :, None], upper=True)[:, :, 0]
        return point.new_zeros(count, vectors).scatter_add(1, self.pivots, weights.masked_fill(idle, 0))


def span(gram: Tensor, rank: int) -> Span:
    """The span of vectors of length one or less, by Cholesky's method with pivots.

    Args:
        gram: their inner products, shape (n, c, c).
        rank: r, dimensions of the basis at most; those that are not needed are left at zero.
    """
    count, vectors, _ = gram.shape
    each, gram = torch.arange(count, device=gram.device), gram.clone()
    left = gram.diagonal(dim1=1, dim2=2).clone()
    axes, pivots = gram.new_zeros(count, rank, vectors), each.new_zeros(count, rank)
    for axis in range(rank):
        first = axis - axis % BLOCK
        if axis == first > 0:
            done = axes[:, first - BLOCK : first]
            gram.baddbmm_(done.mT, done, alpha=-1)
        block = axes[:, first:axis]
        pivot = left.argmax(1)
        size = left[each, pivot]
        along = gram[each, pivot] - (block[each, :, pivot][:, None] @ block)[:, 0]
        along = along / size.clamp_min(DEPENDENT).sqrt()[:, None]
        axes[:, axis] = along.masked_fill((size <= DEPENDENT)[:, None], 0)
        pivots[:, axis] = pivot
        left = (left - axes[:, axis].square()).clamp_min(0)
        left[each, pivot] = 0
    return Span(axes.mT, pivots)
