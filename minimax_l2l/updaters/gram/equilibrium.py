"""Where both players want to be, if the objective is as curved as it was seen to be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from minimax_l2l.updaters.gram.secants import Curvature

FLAT = 1e-5  # curvature that counts as none, in units of the largest seen; rounding grows by its inverse's square
GAINS = 1e-4  # likewise, above which the one who ascends gains by leaving
CONTRADICTED = 10.0  # times the doubt, which that curvature must exceed as well
RISING = 0.03  # as `FLAT`, above which the other waits
SURE = 0.999  # share of a direction that was seen
BELIEVED = 2.0  # curvature that x takes for as little, in units of the doubt


def equilibrium(
    curvature: Curvature, slope: Tensor, leaders: int, patience: Tensor | float = 1.0, caution: Tensor | float = 1.0
) -> Tensor:
    """Newton's step to a minimax point; points of other kinds repel it. Shape (n, d).

        dx = -|f_xx + f_xy E f_yx|^-1 (f_x + f_xy E f_y),    dy = |f_yy|^-1 f_y + E f_yx dx,    E = |f_yy|^-1

    |M| has the eigenvectors of M and the absolute values of its eigenvalues. Near a minimax point the step is
    Newton's. Elsewhere the players move away from a point at which they would not stay.

    E is what the players expect of each other. It leaves out the directions in which y is seen to gain by leaving:
    there y goes, whatever x does. If x counted on an answer, both would come to rest, as at the origin of
    x^2 / 2 + xy + y^2 / 100, where every other y is better. If y gains much, x waits.

    For x no eigenvalue counts less than what is in doubt: where solutions form a surface, the curvature along it is
    zero, and what is seen of it is error.

    Args:
        curvature: the second derivatives of f.
        slope: the first ones, shape (n, d).
        leaders: how many coordinates are x, which descends; they come first.
        patience: factor on the curvature of f_yy above which x waits, shape (n,).
        caution: factor on how curved, in units of the doubt, all is to x at least, shape (n,).

    Source: Zhang et al., "Newton-type methods for minimax optimization", 2020, for the step near a minimax point;
    Dauphin et al., "Identifying and attacking the saddle point problem", 2014, for the absolute values.
    """
    matrix, flat = curvature.matrix, FLAT * curvature.size
    f_xx, f_xy, f_yy = matrix[:, :leaders, :leaders], matrix[:, :leaders, leaders:], matrix[:, leaders:, leaders:]
    f_x, f_y = slope[:, :leaders, None], slope[:, leaders:, None]
    values, vectors = _eigen(f_yy.detach())
    inverse = _PositiveInverse.apply(f_yy, flat, values, vectors)
    share = (curvature.seen[:, leaders:].mT @ vectors).square().sum(1)  # of each direction, that was seen
    unseen = (1 - share).clamp_min(0).sqrt()  # up to twice this, of the largest, may be x's
    least = (GAINS + 2 * unseen) * curvature.size[:, None] + CONTRADICTED * curvature.doubt[:, None]
    gains = values > least
    going = (vectors * (gains / values.masked_fill(~gains, 1))[:, None]) @ vectors.mT
    pull = f_xy @ (inverse - going)
    dx = -positive_inverse(f_xx + pull @ f_xy.mT, flat + BELIEVED * caution * curvature.doubt) @ (f_x + pull @ f_y)
    rises = (values > (RISING * patience * curvature.size + curvature.doubt)[:, None]) & (share > SURE)
    dx = dx.masked_fill(rises.any(1)[:, None, None], 0)
    dy = inverse @ f_y + pull.mT @ dx
    return torch.cat([dx, dy], dim=1)[:, :, 0]


def positive_inverse(matrix: Tensor, least: Tensor) -> Tensor:
    """|M|^-1 of symmetric matrices, shape (n, d, d).

    Args:
        matrix: M, of which the symmetric part counts.
        least: what an eigenvalue of |M| counts at least, shape (n,).
    """
    inverse: Tensor = _PositiveInverse.apply(matrix, least, *_eigen(matrix.detach()))
    return inverse


class _PositiveInverse(torch.autograd.Function):
    """The derivative of V h(L) V' is V (K * V' G V) V', K_ij = (h_i - h_j) / (l_i - l_j), also where l_i = l_j.

    Source: Daleckii and Krein, 1965. Torch's derivative of eigenvectors is infinite there.
    """

    @staticmethod
    def forward(ctx: Any, _: Tensor, least: Tensor, values: Tensor, vectors: Tensor) -> Tensor:
        inverted = 1 / torch.maximum(values.abs(), least[:, None])
        ctx.save_for_backward(values, vectors, inverted, least)
        return vectors @ (inverted[:, :, None] * vectors.mT)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, None, None, None]:
        values, vectors, inverted, least = ctx.saved_tensors
        apart = values[:, :, None] - values[:, None]
        slopes = -values.sign() * inverted.square() * (values.abs() > least[:, None])
        sizes = values.abs()
        same = apart.abs() <= torch.finfo(values.dtype).eps ** 0.5 * (sizes[:, :, None] + sizes[:, None])
        kernel = (inverted[:, :, None] - inverted[:, None]) / apart.masked_fill(same, 1)
        kernel = torch.where(same, slopes[:, :, None].expand_as(kernel), kernel)
        return vectors @ (kernel * (vectors.mT @ above[0] @ vectors)) @ vectors.mT, None, None, None


def _eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors; where a matrix is not finite, the slope is not either, and any will do."""
    values, vectors = torch.linalg.eigh(torch.nan_to_num((matrix + matrix.mT) / 2, 0, 0, 0))
    return values, vectors
