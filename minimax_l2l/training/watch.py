"""What a run says of an inner optimizer that does harm: y ends worse, explodes, leaves C, or stays where it is."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from minimax_l2l.iterate import STUCK, explosion
from minimax_l2l.training.gain import GAIN, OUTSIDE, RESIDUAL, SIZE

STRETCH = 10  # measurements that are judged together
FEWEST, SOME = 3, 5  # by which a run is judged that ends before
CLEARLY = 0.01  # loss, in units of the objective, that is one whatever single rows say
AT_ALL = 1e-5  # loss, in units of the largest objective so far, that is none of rounding if every row has one
LITTLE = 1e-3  # objective, in the same units, beside which no loss counts: y is where it should be
FARTHER = 1.25  # times as large as at the start is a residual that has grown, where y starts anew
FAR = 10  # times as large as at first is one that has grown where y lives on; those of healthy games may double
STILL = "inner_rise"  # what is said of a y that does not move
GROWING = 1.001  # times as large as in the row before is a y that has not settled
ROUNDING = 1e-4  # that a projection may miss the set by, in units of y's largest entry


class Watch:
    """Warns once of each: y ends worse than its start for a stretch, explodes, leaves C, or stays where it is.

    Args:
        relative: whether steps are at most a fraction of the iterate's own length, which is nothing at zero.
        learns: whether the optimizer does, which may be bad at first.
        random: whether it starts at random, so that a few rows may be bad by chance.
        moves: whether it is meant to take steps at all.
    """

    def __init__(
        self, *, relative: bool = False, learns: bool = False, random: bool = False, moves: bool = True
    ) -> None:
        self._relative, self._learns, self._random, self._moves = relative, learns, random, moves
        self._rows: deque[dict[str, float]] = deque(maxlen=STRETCH)
        self._first_residual: float | None = None
        self._size: float | None = None  # of the last row
        self._still = 0  # rows in which nothing was gained or lost, since it was last asked why
        self._largest = 0.0  # size of the objective so far
        self.said: dict[str, str] = {}  # what has been warned of, in words

    def state_dict(self) -> dict[str, Any]:
        """What it has seen and said."""
        return {
            "rows": list(self._rows),
            "largest": self._largest,
            "first_residual": self._first_residual,
            "size": self._size,
            "still": self._still,
            "said": dict(self.said),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        self._rows.extend(state["rows"])
        self._largest, self._first_residual = state["largest"], state["first_residual"]
        self._size, self._still, self.said = state["size"], state["still"], dict(state["said"])

    @property
    def doubts(self) -> bool:
        """Whether y stays where it is, so that it should be asked whether it could rise."""
        return self._moves and self._still >= FEWEST

    def see(
        self,
        row: Mapping[str, float],
        *,
        first_size: float | None = None,
        rise: float | None = None,
        lives_on: bool = False,
    ) -> None:
        """Look at a row that is logged.

        Args:
            row: of the history.
            first_size: how large the run's first y_0 was; None where y is in a set that it cannot run away from.
            rise: what a short step up the gradient would gain, if that was asked.
            lives_on: whether y goes on from batch to batch.
        """
        if SIZE in row:
            grows = not lives_on or (self._size is not None and row[SIZE] > GROWING * self._size)
            words = explosion(first_size, row[SIZE]) if first_size is not None and grows else None
            if words is not None:
                self._say(SIZE, words)
            self._size = row[SIZE]
        if OUTSIDE in row and row[OUTSIDE] > ROUNDING * max(row[SIZE], ROUNDING):
            self._say(
                OUTSIDE,
                f"the inner optimizer leaves the feasible set, by {row[OUTSIDE]:.3g}; let its step return "
                "constraint.project(y), or give the problem the larger set in which it is meant to move.",
            )
        if self._relative and row.get(SIZE) == 0:
            self._say(STUCK, STUCK)
        if GAIN not in row:
            return
        self._rows.append({name: row[name] for name in (GAIN, RESIDUAL, "objective") if name in row})
        if RESIDUAL in row and self._first_residual is None:
            self._first_residual = row[RESIDUAL]
        self._largest = max(self._largest, abs(row["objective"]))
        if rise is not None and rise > AT_ALL * self._largest and STUCK not in self.said:
            self._say(
                STILL,
                "the inner optimizer leaves y where it starts, although the objective rises along its gradient, "
                f"by {rise:.3g} within a hundredth of its length; y may sit at an edge of its set, led there by "
                "steps of the wrong sign or far too long: lower the step size, and see check_optimizer.",
            )
        self._still = self._still + 1 if rise is None and row[GAIN] == 0 else 0
        if len(self._rows) < STRETCH:
            return
        pairs = [RESIDUAL in one for one in self._rows]  # problems of both kinds may take turns
        if all(pairs):
            self._look_at_residuals(lives_on)
        elif not any(pairs) and self._loses(lives_on):
            self._say_worse(_mean(self._rows, GAIN), f"the last {STRETCH}")

    def _look_at_residuals(self, lives_on: bool) -> None:
        """Say it if a pair ends farther from its balance than it starts, in every row, and by much in all."""
        after = _mean(self._rows, RESIDUAL)
        before = self._first_residual if lives_on else after + _mean(self._rows, GAIN)
        assert before is not None
        much = (FAR if lives_on else FARTHER) * before
        if max(row[GAIN] for row in self._rows) < 0 and after > much:
            self._say(
                RESIDUAL,
                "the inner optimizer leads y away from balance: inner_residual, the length of the gradient that "
                f"its leaves want to follow, grows in each of the last {STRETCH} logged steps, and was "
                f"{before:.3g} at {'first' if lives_on else 'the start'} and is {after:.3g}; shorten its steps, or "
                "take one that does not circle, such as ExtraGradient.",
            )

    def _loses(self, lives_on: bool) -> bool:
        """Whether y ends below its start, by much on average or in every row of a stretch.

        A y that lives on may step over its optimum and back, and only every other step may be logged. What is lost
        there stays lost if the objective has fallen, too; else only a loss counts that is one beside all that was
        gained before. And it may follow the noise of each batch, so its mean must be four standard errors below 0
        where some rows gain.
        """
        gains, values = ([row[name] for row in self._rows] for name in (GAIN, "objective"))
        gain, size = _mean(self._rows, GAIN), sum(map(abs, values)) / STRETCH
        if lives_on and max(gains) >= 0:
            # NaN where a gain is infinite, which then is judged as the others are
            error = torch.tensor(gains, dtype=torch.float64).std() / math.sqrt(STRETCH)
            if -gain <= 4 * error:
                return False
        if lives_on and values[0] - values[-1] <= -sum(gains) / 2:
            return gain < -CLEARLY * self._largest
        if gain < -CLEARLY * max(size, LITTLE * self._largest):
            return True
        return max(gains) < 0 and gain < -AT_ALL * self._largest

    def end(self, history: Sequence[Mapping[str, float]]) -> None:
        """Judge a run that was too short for a stretch by all of its rows.

        Nothing is said of fewer than three, of an optimizer that starts at random, nor of one that learns and loses
        less in the last of them than in the first. Otherwise y ended below its start in each, on average by a tenth
        of the objective, or by a hundredth where there are five rows or more.
        """
        rows = [row for row in history if GAIN in row]
        if self._random or not FEWEST <= len(rows) < STRETCH:
            return
        if any(RESIDUAL in row for row in rows) or max(row[GAIN] for row in rows) >= 0:
            return
        improves = self._learns and rows[-1][GAIN] > rows[0][GAIN]
        share = CLEARLY if len(rows) >= SOME else 10 * CLEARLY
        gain, size = _mean(rows, GAIN), sum(abs(row["objective"]) for row in rows) / len(rows)
        if not improves and gain < -share * size:
            self._say_worse(gain, f"all {len(rows)}")

    def _say_worse(self, gain: float, rows: str) -> None:
        self._say(
            GAIN,
            f"the inner optimizer makes y worse than its start: inner_gain is {gain:.3g} on average over {rows} "
            "logged steps; lower its learning rate or step size, or set max_relative_step.",
        )

    def _say(self, name: str, words: str) -> None:
        if name not in self.said:
            self.said[name] = words
            warnings.warn(words, stacklevel=2)


def _mean(rows: Collection[Mapping[str, float]], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)
