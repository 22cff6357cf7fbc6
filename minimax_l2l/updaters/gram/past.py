"""What the updater remembers, and what of it is shown: lengths and inner products."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l.iterate import State

RECENT = 3  # moves that the network sees
SMALLEST = 1e-290  # what counts as no move
ROUNDING = 1e-6  # in units of y: what is not a part of a step, but what y's digits cost


class Past(NamedTuple):
    """The state of n instances; a tuple of tensors.

    Attributes:
        sides: -1 for coordinates that descend, 1 for those that ascend, shape (d,).
        calls: how many there were, a number.
        moves: the last ones, newest first, shape (n, m, d); zeros before the first.
        changes: of the gradient along them, likewise.
        y: where the last call was, shape (n, d).
        gradient: there.
        aim: where the last step led, shape (n, d); y is elsewhere where that is not in the set.
    """

    sides: Tensor
    calls: Tensor
    moves: Tensor
    changes: Tensor
    y: Tensor
    gradient: Tensor
    aim: Tensor

    @classmethod
    def known(cls, state: State, y: Tensor, gradient: Tensor, memory: int) -> Past:
        """The past as the state of the last call tells it, and a call at y more.

        A state may tell nothing, so that all coordinates ascend, or only their sides.
        """
        if len(state) < 2:
            sides = state[0] if state else y.new_ones(y.shape[1])
            none = y.new_zeros(len(y), memory, y.shape[1])
            return cls(sides.to(y), torch.zeros((), dtype=torch.long), none, none, y, gradient, y)
        past = cls(*state)
        move, change = y - past.y, gradient - past.gradient
        return cls(
            past.sides,
            past.calls + 1,
            torch.cat([move[:, None], past.moves[:, :-1]], dim=1),
            torch.cat([change[:, None], past.changes[:, :-1]], dim=1),
            y,
            gradient,
            past.aim,
        )

    @property
    def probed(self) -> Tensor:
        """Whether the last move was a probe, the first one or one of who ascends alone, shape (n,)."""
        down = self.sides < 0
        alone = ~self.moves[:, 0, down].any(1) & down.any()
        return (self.calls == 1) | ((self.calls == 2) & alone)

    @property
    def cut(self) -> Tensor:
        """The part of the last step that was not made, shape (n, d); of a probe none, if it moved nothing."""
        cut = self.aim - self.y
        rounding = cut.abs() <= ROUNDING * torch.maximum(self.aim.abs(), self.y.abs())
        failed = self.probed & ~self.moves[:, 0].any(1)
        return cut.masked_fill(rounding | failed[:, None], 0)

    @property
    def rested(self) -> Tensor:
        """Whether nothing has moved for so long that no move is remembered, shape (n,)."""
        return (self.calls >= self.moves.shape[1]) & ~self.moves.flatten(1).any(1)

    def measured_in(self, units: Tensor) -> Past:
        """The same in other units: one of a coordinate is what `units`, shape (n, d), says of it."""
        each = units[:, None]
        moves, changes = self.moves / each, self.changes * each
        y, aim = self.y / units, self.aim / units
        return self._replace(moves=moves, changes=changes, y=y, gradient=self.gradient * units, aim=aim)

    def after(self, step: Tensor) -> State:
        """The state that the next call is given."""
        return tuple(self._replace(aim=self.y + step))


class Shown(NamedTuple):
    """Gradient, changes and moves, in this order, newest first: c = 1 + 2 m vectors.

    The second of the moves is the part of the last step that was not made: along it the set's boundary turns the
    gradient back.

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
    def of(cls, past: Past, wall: Tensor) -> Shown:
        """Everything that is decided is decided on this; `wall` is the boundary's curvature, shape (n, d)."""
        count = max(RECENT, min(int(past.calls), past.moves.shape[1]))
        cut = past.cut[:, None]
        changes = past.changes[:, :1], -wall[:, None] * cut, past.changes[:, 1:count]
        moves = past.moves[:, :1], cut, past.moves[:, 1:count]
        vectors = torch.cat([past.gradient[:, None], *changes, *moves], dim=1)
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
        first = 1 + self.moves
        return [0, 1, *range(3, 2 + RECENT), first, *range(first + 2, first + 1 + RECENT)]
