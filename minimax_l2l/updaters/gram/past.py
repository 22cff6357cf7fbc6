"""What the updater remembers, and what of it is shown: lengths and inner products."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l.iterate import State

RECENT = 3  # moves that the network sees
SMALLEST = 1e-290  # what counts as no move


class Past(NamedTuple):
    """The state of n instances; a tuple of tensors.

    Attributes:
        sides: -1 for coordinates that descend, 1 for those that ascend, shape (d,).
        calls: how many there were, a number.
        moves: the last ones, newest first, shape (n, m, d); zeros before the first.
        changes: of the gradient along them, likewise.
        y: where the last call was, shape (n, d).
        gradient: there.
    """

    sides: Tensor
    calls: Tensor
    moves: Tensor
    changes: Tensor
    y: Tensor
    gradient: Tensor

    @classmethod
    def known(cls, state: State, y: Tensor, gradient: Tensor, memory: int) -> Past:
        """The past as the state of the last call tells it, and a call at y more.

        A state may tell nothing, so that all coordinates ascend, or only their sides.
        """
        if len(state) < 2:
            sides = state[0] if state else y.new_ones(y.shape[1])
            none = y.new_zeros(len(y), memory, y.shape[1])
            return cls(sides.to(y), torch.zeros((), dtype=torch.long), none, none, y, gradient)
        past = cls(*state)
        move, change = y - past.y, gradient - past.gradient
        return cls(
            past.sides,
            past.calls + 1,
            torch.cat([move[:, None], past.moves[:, :-1]], dim=1),
            torch.cat([change[:, None], past.changes[:, :-1]], dim=1),
            y,
            gradient,
        )


class Shown(NamedTuple):
    """Gradient, changes and moves, in this order, newest first: c = 1 + 2 m vectors.

    Attributes:
        units: the vectors at length one, or zero; shape (n, c, d).
        lengths: shape (n, c).
        grams: inner products of the units' parts, of who descends and of who ascends: two of shape (n, c, c).
        ranks: how many numbers each of the two moves.
    """

    units: Tensor
    lengths: Tensor
    grams: tuple[Tensor, Tensor]
    ranks: tuple[int, int]

    @classmethod
    def of(cls, past: Past) -> Shown:
        """Everything that is decided is decided on this, units apart."""
        count = max(RECENT, min(int(past.calls), past.moves.shape[1]))
        vectors = torch.cat([past.gradient[:, None], past.changes[:, :count], past.moves[:, :count]], dim=1)
        largest = vectors.abs().amax(2, keepdim=True)  # squares of what is smaller than 1e-160 are zero
        units = vectors / largest.masked_fill(largest < SMALLEST, torch.inf)
        sizes = torch.linalg.vector_norm(units, dim=2)
        units = units / sizes.masked_fill(sizes == 0, 1)[:, :, None]
        lengths = largest[:, :, 0] * sizes
        parts = [units[:, :, past.sides == side] for side in (-1, 1)]
        first, second = (part @ part.mT for part in parts)
        return cls(units, lengths, (first, second), (parts[0].shape[2], parts[1].shape[2]))

    @property
    def moves(self) -> int:
        """How many moves are among them."""
        return (self.lengths.shape[1] - 1) // 2

    @property
    def recent(self) -> list[int]:
        """Places of the gradient, of its last changes and of the last moves."""
        return [0, *range(1, 1 + RECENT), *range(1 + self.moves, 1 + self.moves + RECENT)]
