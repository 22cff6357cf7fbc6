"""How well a run keeps what it has learned: numbers from its curve of evaluated returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minimax_l2l.errors import require_count

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Stability:
    """What one run did after it first reached expert level.

    All but `hit`, `return_mean` and `longest_outage` are in units of the score, 0 for a random policy and 1 for
    the expert, not clipped. Without a hit, all that should follow it counts as score 0 and as one outage.

    Attributes:
        hit: iteration at which a window first reached expert level, or None; it ends that window.
        return_mean: mean return of the last tenth of the evaluations.
        last_tenth: the same as a score; like `area` it needs no hit.
        worst_window: lowest mean of a window that ends at the hit or later; 0 without a hit.
        drawdown: largest fall of the windows' mean below its highest value since the hit; 1 without a hit.
        longest_outage: iterations of the longest run of low evaluations since the hit, one being enough; the run's
            length without a hit.
        cvar10: mean of the worst tenth of the evaluations since the hit; 0 without a hit.
        area_after_hit: mean score over the iterations since the hit; 0 without a hit.
        area: mean score over all iterations.
    """

    hit: int | None
    return_mean: float
    last_tenth: float
    worst_window: float = 0.0
    drawdown: float = 1.0
    longest_outage: int
    cvar10: float = 0.0
    area_after_hit: float = 0.0
    area: float

    @property
    def outage(self) -> bool:
        """Whether an evaluation since the hit was low, or there was no hit."""
        return self.longest_outage > 0

    def as_row(self) -> dict[str, float | int | bool | None]:
        """The numbers under the names that result files use, `outage` among them."""
        return {**asdict(self), "outage": self.outage}


def scores(returns: ArrayLike, *, random: float, expert: float) -> Array:
    """Returns as scores s = (R - R_random) / (R_expert - R_random).

    Args:
        returns: R, of any shape.
        random: R_random, the mean return of uniformly random actions.
        expert: R_expert, the mean return of the expert.

    Raises:
        ValueError: if a number is not finite, or the expert is no better than random.
    """
    values = np.asarray(returns, dtype=np.float64)
    if not (np.isfinite(values).all() and math.isfinite(random) and math.isfinite(expert)):
        raise ValueError("returns must be finite, got NaN or infinity; leave out the evaluation that broke.")
    if expert <= random:
        raise ValueError(
            f"the expert's return must exceed the random policy's, got {expert} and {random}; "
            "no score can be measured between them, so pass the return of a better expert."
        )
    return (values - random) / (expert - random)


def stability(
    iterations: Sequence[int],
    returns: ArrayLike,
    *,
    random: float,
    expert: float,
    reached: float = 0.95,
    low: float = 0.8,
    window: int = 10,
) -> Stability:
    """Measure a curve of evaluations.

    The evaluation at iteration k_i stands for the k_i - k_{i-1} iterations before it (k_{-1} = 0). The hit is the
    first k_i at which the mean of the last `window` scores is at least `reached`. "Since the hit" includes it.

    Args:
        iterations: finished iterations at each evaluation, rising, of length n; the last is the run's length.
        returns: mean return of each evaluation, of length n.
        random: mean return of uniformly random actions.
        expert: mean return of the expert.
        reached: score that counts as expert level.
        low: score below which an evaluation belongs to an outage.
        window: evaluations in a window.

    Raises:
        TypeError: if `window` is not an integer.
        ValueError: if the lengths differ, the curve is shorter than a window, the iterations do not rise, a return
            is not finite, or the expert is no better than random.
    """
    require_count("window", window, least=1)
    score, lengths = _checked(iterations, scores(returns, random=random, expert=expert), window)
    windows = np.lib.stride_tricks.sliding_window_view(score, window).mean(axis=-1)
    last_tenth = float(score[-_tenth(len(score)) :].mean())
    everywhere = {
        "return_mean": random + (expert - random) * last_tenth,
        "last_tenth": last_tenth,
        "area": float(np.average(score, weights=lengths)),
    }
    hits = np.flatnonzero(windows >= reached)
    if not len(hits):
        return Stability(hit=None, longest_outage=int(lengths.sum()), **everywhere)
    first = int(hits[0])
    hit = first + window - 1
    after, windows = score[hit:], windows[first:]
    return Stability(
        hit=int(iterations[hit]),
        worst_window=float(windows.min()),
        drawdown=float((np.maximum.accumulate(windows) - windows).max()),
        longest_outage=_longest_run(after < low, lengths[hit:]),
        cvar10=float(np.sort(after)[: _tenth(len(after))].mean()),
        area_after_hit=float(np.average(after, weights=lengths[hit:])),
        **everywhere,
    )


def _checked(iterations: Sequence[int], score: Array, window: int) -> tuple[Array, NDArray[np.int64]]:
    """The scores, and the iterations each stands for."""
    steps = np.asarray(iterations, dtype=np.int64)
    if score.ndim != 1 or steps.shape != score.shape:
        raise ValueError(
            f"iterations and returns must be two lists of one length, got shapes {steps.shape} and {score.shape}; "
            "pass one mean return for each evaluated iteration."
        )
    if len(score) < window:
        raise ValueError(
            f"a curve needs at least as many evaluations as a window, got {len(score)} for window={window}; "
            "evaluate more often or pass a smaller window."
        )
    lengths = np.diff(steps, prepend=0)
    if lengths[0] < 0 or (lengths[1:] <= 0).any() or steps[-1] == 0:
        raise ValueError("iterations must rise from 0 or later to the run's length; sort the evaluations.")
    return score, lengths


def _tenth(count: int) -> int:
    """A tenth of `count`, rounded up in whole numbers: 0.1 * 30 is above 3 in floating point."""
    return -(-count // 10)


def _longest_run(low: NDArray[np.bool_], lengths: NDArray[np.int64]) -> int:
    longest = current = 0
    for is_low, length in zip(low.tolist(), lengths.tolist(), strict=True):
        current = current + length if is_low else 0
        longest = max(longest, current)
    return longest
