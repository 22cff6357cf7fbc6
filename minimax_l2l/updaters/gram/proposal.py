"""Newton's step to where both players want to be, from what the last moves showed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l.updaters.gram.equilibrium import equilibrium
from minimax_l2l.updaters.gram.past import ROUNDING, Past, Shown
from minimax_l2l.updaters.gram.secants import curvature
from minimax_l2l.updaters.gram.span import span

GROWN = 2.0  # growth of the gradient at which the last move was too long
AGREED = 0.5  # part of the usual growth that steps have at least where nothing is in doubt
STEEPEST = 1e140  # curvature whose square is still finite; close to a kink any may be seen
STILL = 1e-9  # of a plain gradient step: a length of moves that says nothing
DOUBTED = 0.1  # doubt, in units of the largest curvature seen, at which the network may hold steps short


class Proposal(NamedTuple):
    """A step of n instances.

    Attributes:
        step: shape (n, d).
        usual: how long steps are here, shape (n,).
        least: the dial of the longest step is not turned lower, shape (n,).
    """

    step: Tensor
    usual: Tensor
    least: Tensor

    def where(self, mask: Tensor, other: Proposal) -> Proposal:
        """This one where `mask` of shape (n,) is true, the other one elsewhere."""
        return Proposal(
            torch.where(mask[:, None], self.step, other.step),
            torch.where(mask, self.usual, other.usual),
            torch.where(mask, self.least, other.least),
        )


def newton(past: Past, shown: Shown, stiffness: Tensor, patience: Tensor, caution: Tensor) -> Proposal:
    """To the equilibrium of the second derivatives that the last moves showed.

    Args:
        past: see there.
        shown: likewise.
        stiffness: curvature where none was seen, of who descends and of who ascends, in units of the largest that
            was seen, shape (n, 2).
        patience: see `equilibrium`, shape (n,).
        caution: likewise.
    """
    first = 1 + shown.moves
    moved = shown.lengths[:, first:]
    rates = (shown.lengths[:, 1:first] / moved.masked_fill(moved == 0, 1)).clamp_max(STEEPEST)
    spans = [span(gram, min(rank, gram.shape[1])) for gram, rank in zip(shown.grams, shown.ranks, strict=True)]
    units = torch.cat([one.coordinates for one in spans], dim=2)
    leaders = spans[0].coordinates.shape[2]
    sides = units.new_ones(units.shape[2])
    sides[:leaders] = -1
    assumed = -sides * stiffness[:, (sides > 0).long()]
    seen = curvature(units[:, first:], sides * rates[:, :, None] * units[:, 1:first], assumed)
    step = equilibrium(seen, sides * shown.lengths[:, :1] * units[:, 0], leaders, patience, caution)
    parts = step[:, :leaders], step[:, leaders:]
    down, up = ((one.mixture(part)[:, None] @ shown.units)[:, 0] for one, part in zip(spans, parts, strict=True))
    agreed = 1 - seen.doubt / (DOUBTED * seen.size)
    usual = _usual(past, shown, shown.lengths[:, 0] / seen.size)
    return Proposal(torch.where(past.sides < 0, down, up), usual, AGREED * agreed.clamp_min(0))


def _usual(past: Past, shown: Shown, scale: Tensor) -> Tensor:
    """As long as the longer of the last two moves; half of the last one, if it made the gradient much longer.

    After a probe, or at rest, the length of moves says nothing; then it is that of a plain gradient step, if that
    is longer. At rest, the last moves were as good as none, though such a step would show in y's first digits.
    """
    moved = torch.linalg.vector_norm(past.moves[:, :2], dim=2)
    usual = moved.amax(1)
    rested = (usual < STILL * scale) & (scale > ROUNDING * torch.linalg.vector_norm(past.y, dim=1))
    usual = torch.maximum(usual, scale).where(past.probed | rested, usual)
    before = torch.linalg.vector_norm(past.gradient - past.changes[:, 0], dim=1)
    return torch.where(shown.lengths[:, 0] > GROWN * before, moved[:, 0] / 2, usual)


def cut(step: Tensor, longest: Tensor) -> Tensor:
    """The step where it is short enough, scaled down elsewhere."""
    size = torch.linalg.vector_norm(step, dim=1)
    too_long = size > longest
    ratio: Tensor = longest.where(too_long, 1) / size.where(too_long, 1)
    return step * ratio[:, None]
