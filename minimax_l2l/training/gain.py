"""What the inner optimizer is worth: how far y_K lies above its start, and whether it explodes or leaves C."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from minimax_l2l.iterate import STUCK, explosion
from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode, querying
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, detach, largest, leaves

STRETCH = 10  # measurements that are judged together
FEWEST, SOME = 3, 5  # by which a run is judged that ends before
CLEARLY = 0.01  # loss, in units of the objective, that is one whatever single rows say
AT_ALL = 1e-5  # loss, in units of the largest objective so far, that is none of rounding if every row has one
LITTLE = 1e-3  # objective, in the same units, beside which no loss counts: y is where it should be
SIZE, GAIN, OUTSIDE = "inner_size", "inner_gain", "inner_violation"
ROUNDING = 1e-4  # that a projection may miss the set by, in units of y's largest entry


@torch.no_grad()
def measure(problem: InnerProblem, y: Tree) -> dict[str, Tensor]:
    """`inner_size`, max_j |y_j|, `inner_violation`, how far y_K lies outside C, and `inner_gain`.

    The gain is the mean of s (f(y_K) - f(y_0)), y_0 without a random start. f is the meta objective where there is
    one; where leaves differ in sign there is no gain. Costs two forwards, which are not counted as passes, and
    leaves random numbers as they are.
    """
    y = detach(y)
    numbers = {SIZE: largest(y), OUTSIDE: problem.constraint.violation(y).amax()}
    signs, devices = set(problem.signs_of(y)), [leaf.device for leaf in leaves(y) if leaf.is_cuda]
    counted, problem.meter = problem.meter, Meter()
    mode: QueryMode = "train" if problem.query_mode == "tracked" else problem.query_mode
    try:
        with torch.random.fork_rng(devices[:1]), querying(problem.module, mode):
            after = problem.meta_objective(y)
            start = problem.constraint.project(problem.initial())
            if after is not None and (before := problem.meta_objective(start)) is not None:
                numbers[GAIN] = (after - before).mean()
            elif len(signs) == 1:
                numbers[GAIN] = signs.pop() * (problem.objective(y) - problem.objective(start)).mean()
    finally:
        problem.meter = counted
    return numbers


class Watch:
    """Warns once of each: y ends below its start for a stretch, explodes, leaves C, or stays at zero.

    Args:
        relative: whether steps are at most a fraction of the iterate's own length, which is nothing at zero.
        learns: whether the optimizer does, which may be bad at first.
        random: whether it starts at random, so that a few rows may be bad by chance.
    """

    def __init__(self, *, relative: bool = False, learns: bool = False, random: bool = False) -> None:
        self._relative, self._learns, self._random = relative, learns, random
        self._rows: deque[Mapping[str, float]] = deque(maxlen=STRETCH)
        self._largest = 0.0  # size of the objective so far
        self._said: set[str] = set()

    def see(self, row: Mapping[str, float], first_size: Tensor | None, *, lives_on: bool = False) -> None:
        """Look at a row that is logged.

        Args:
            row: of the history.
            first_size: how large the run's first y_K was.
            lives_on: whether y goes on from batch to batch.
        """
        words = explosion(first_size.item(), row[SIZE]) if first_size is not None and SIZE in row else None
        if words is not None:
            self._say(SIZE, words)
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
        self._rows.append(row)
        self._largest = max(self._largest, abs(row["objective"]))
        if len(self._rows) == STRETCH and self._loses(lives_on):
            self._say_worse(_mean(self._rows, GAIN), f"the last {STRETCH}")

    def _loses(self, lives_on: bool) -> bool:
        """Whether y ends below its start, by much on average or in every row of a stretch.

        A y that lives on may step over its optimum and back, and only every other step may be logged. So there the
        objective must have fallen, too, as it does where what is lost stays lost.
        """
        gains, values = ([row[name] for row in self._rows] for name in (GAIN, "objective"))
        gain, size = _mean(self._rows, GAIN), sum(map(abs, values)) / STRETCH
        if gain < -CLEARLY * max(size, LITTLE * self._largest):
            return True
        stays_lost = not lives_on or values[0] - values[-1] > -sum(gains) / 2
        return max(gains) < 0 and gain < -AT_ALL * self._largest and stays_lost

    def end(self, history: Sequence[Mapping[str, float]]) -> None:
        """Judge a run that was too short for a stretch by all of its rows.

        Nothing is said of fewer than three, of an optimizer that starts at random, nor of one that learns and loses
        less in the last of them than in the first. Otherwise y ended below its start in each, on average by a tenth
        of the objective, or by a hundredth where there are five rows or more.
        """
        rows = [row for row in history if GAIN in row]
        if self._random or not FEWEST <= len(rows) < STRETCH or max(row[GAIN] for row in rows) >= 0:
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
        if name not in self._said:
            self._said.add(name)
            warnings.warn(words, stacklevel=2)


def _mean(rows: Collection[Mapping[str, float]], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)
