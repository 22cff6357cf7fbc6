"""Who has won: a discriminator that is always right no longer says what a policy could do better."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.gail.demonstrations.demonstrations import Demonstrations

# Each iteration of so many in a row, this share of both sides' pairs, and so far below the expert's mean return.
STRETCH, SURE, SHORT = 50, 0.98, 0.1
FIRST = 25  # iterations whose episodes say what the policy brought at first
REMEDY = (
    "Start from behavioural cloning, clone_behaviour(task.learner, demonstrations) before task.solve(...), hold "
    "the discriminator back by a smaller radius, fewer steps or a lower rate, or give more demonstrations."
)


class Referee:
    """Warns once, when the discriminator has won and the policy is none the better, or worse than at first.

    Won: it told 98 % of the policy's and of the expert's pairs rightly in each of the last 50 iterations. None the
    better: the episodes that ended in the later half of these iterations brought no more than those of the earlier
    half, and, where the demonstrations have rewards, a tenth of the expert's mean return less than that, or its
    standard deviation if that is more. Being right alone is no cause: where a reward's sign teaches the task, as on
    CartPole, policies reach the expert's return though they are told from it.

    Applied to every fifth iteration of the runs recorded in `benchmarks/results`, that warns in none of the 98 runs
    of presets that ended at the expert's return, and in 2 of the 41 that did not. Of the stress tests' runs it
    warns in 32 of the 97 that ended elsewhere, and in 17 of the 125 that ended there: they had lost it for a while.

    Worse than at first: the mean return of the last 50 iterations, of at least 75, was below that of the first 25
    by a tenth of what the expert's is above it.

    Args:
        demonstrations: the expert's.
    """

    def __init__(self, demonstrations: Demonstrations) -> None:
        known = all(one.rewards is not None for one in demonstrations.trajectories)
        returns = demonstrations.returns if known else np.array([np.nan])
        self._expert = returns.mean()
        self._enough = self._expert - max(returns.std(), SHORT * abs(self._expert))
        self._first: list[Sequence[float]] = []
        self._last: deque[Sequence[float]] = deque(maxlen=STRETCH)
        self._seen: deque[Sequence[float]] = deque(maxlen=STRETCH)  # while it is right
        self._silent = False

    def see(self, told: float, returns: Sequence[float]) -> None:
        """One iteration: the smaller share of pairs that were told rightly, and the returns of ended episodes.

        Warns:
            UserWarning: the first time that the discriminator has won, or the policy is worse than at first.
        """
        self._see_returns(returns)
        if not told >= SURE:
            self._seen.clear()
            return
        self._seen.append(returns)
        seen = list(self._seen)
        if self._silent or len(seen) < STRETCH:
            return
        earlier, later = _mean(seen[: STRETCH // 2]), _mean(seen[STRETCH // 2 :])
        if later > earlier or later >= self._enough:  # False where one is not known
            return
        self._silent = True
        found = (
            f"the policy does not get better (mean return {later:.6g})"
            if np.isfinite(earlier) and np.isfinite(later)
            else "whether the policy gets better is not known, as too few episodes ended"
        )
        warnings.warn(
            f"the discriminator has won: for {STRETCH} iterations it has told at least {SURE:.0%} of the policy's "
            f"and of the expert's pairs, and {found}. {REMEDY}",
            stacklevel=2,
        )

    def _see_returns(self, returns: Sequence[float]) -> None:
        if len(self._first) < FIRST:
            self._first.append(returns)
            return
        self._last.append(returns)
        if self._silent or len(self._last) < STRETCH:
            return
        first, last = _mean(self._first), _mean(self._last)
        if not first - last > SHORT * (self._expert - first) > 0:  # True where one is not known
            return
        self._silent = True
        warnings.warn(
            f"the policy is worse than at first: the mean return was {first:.6g} in the first {FIRST} iterations "
            f"and {last:.6g} in the last {STRETCH}; the expert's is {self._expert:.6g}. {REMEDY}",
            stacklevel=3,
        )

    def state_dict(self) -> dict[str, Any]:
        """What it has seen."""
        seen = {"first": self._first, "last": self._last, "seen": self._seen}
        return {**{name: [list(one) for one in some] for name, some in seen.items()}, "silent": self._silent}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._first = list(state["first"])
        self._last, self._seen = (deque(state[name], maxlen=STRETCH) for name in ("last", "seen"))
        self._silent = state["silent"]


def _mean(returns: Sequence[Sequence[float]]) -> float:
    """Of all that are known; NaN if none is."""
    known = [value for some in returns for value in some if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
