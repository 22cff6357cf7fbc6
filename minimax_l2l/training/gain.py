"""What the inner optimizer is worth: how far y_K lies above its start, and whether it explodes or leaves C."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from minimax_l2l.iterate import STUCK, explosion
from minimax_l2l.meter import Meter
from minimax_l2l.modes import QueryMode, querying
from minimax_l2l.problem import InnerProblem
from minimax_l2l.trees import Tree, detach, largest, leaves

STRETCH = 10  # measurements that are averaged before anything is said
FEWEST = 3  # by which a run is judged that ends before
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
        self._gains: deque[tuple[float, float]] = deque(maxlen=STRETCH)
        self._said: set[str] = set()

    def see(self, row: Mapping[str, float], first_size: Tensor | None) -> None:
        """Look at a row that is logged, beside how large the run's first y_K was."""
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
        self._gains.append(_gain_and_scale(row))
        gain, scale = (sum(column) / STRETCH for column in zip(*self._gains, strict=True))
        if len(self._gains) == STRETCH and gain < -0.01 * scale:
            self._say_worse(gain, f"the last {STRETCH}")

    def end(self, history: Sequence[Mapping[str, float]]) -> None:
        """Judge a run that was too short for a stretch by all of its rows.

        Nothing is said of fewer than three, of an optimizer that starts at random, nor of one that learns and loses
        less in the last of them than in the first. Otherwise y ended below its start in each, and by a tenth of the
        objective on average.
        """
        rows = [_gain_and_scale(row) for row in history if GAIN in row]
        if self._random or not FEWEST <= len(rows) < STRETCH or max(rows)[0] >= 0:
            return
        gains, scales = zip(*rows, strict=True)
        improves = self._learns and gains[-1] > gains[0]
        if not improves and sum(gains) < -0.1 * sum(scales):
            self._say_worse(sum(gains) / len(rows), f"all {len(rows)}")

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


def _gain_and_scale(row: Mapping[str, float]) -> tuple[float, float]:
    """A row's gain, and the size of the objective beside it."""
    return row[GAIN], abs(row["objective"])
