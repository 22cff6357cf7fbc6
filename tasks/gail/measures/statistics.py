"""What a few seeds say about a method: robust means, comparisons, and bootstrap intervals around them.

After Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021). A
stratum is an environment or cell of a grid; its seeds are drawn with replacement from its own seeds only. Intervals
are percentiles of such draws. They are too short for very few seeds: at five, the doubt is larger than they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minimax_l2l.errors import require_count

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number and the interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bootstrap:
    """Statistics with intervals, from one method's or two methods' results by stratum and seed.

    Results are one row of seeds for each stratum; rows may differ in length.

    Attributes:
        generator: source of the draws; the same state gives the same intervals.
        draws: number of them.
        confidence: share of draws inside an interval.

    Raises:
        ValueError: if `draws` is below 1 or `confidence` is not between 0 and 1.
    """

    generator: np.random.Generator
    draws: int = 2000
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Check the settings."""
        require_count("draws", self.draws, least=1)
        if not 0 < self.confidence < 1:
            raise ValueError(
                f"confidence must lie between 0 and 1, got {self.confidence}; pass a share such as 0.95."
            )

    def interquartile_mean(self, results: Sequence[ArrayLike]) -> Estimate:
        """Interquartile mean of all results together.

        It leaves out one collapsed seed in five: state the share of seeds with an outage beside it.
        """
        rows = _rows(results)
        drawn = np.concatenate([row[self._pick(row)] for row in rows], axis=1)
        return self._estimate(float(interquartile_mean(np.concatenate(rows))), interquartile_mean(drawn))

    def probability_of_improvement(self, first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> Estimate:
        """P(X > Y) + P(X = Y) / 2 for a seed X of `first` and Y of `second`, averaged over strata.

        Raises:
            ValueError: if the strata differ in number.
        """
        pairs = _pairs(first, second)
        drawn = [_superiority(x[self._pick(x)], y[self._pick(y)]) for x, y in pairs]
        return self._estimate(float(np.mean([_superiority(x, y) for x, y in pairs])), np.mean(drawn, axis=0))

    def paired_difference(self, first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> Estimate:
        """Mean of X - Y over the seeds that both methods share, then over strata; equal places hold equal seeds.

        A plain mean, because a difference made by one collapsed seed must stay visible.

        Raises:
            ValueError: if the strata or their seeds differ in number.
        """
        pairs = _pairs(first, second)
        for x, y in pairs:
            if len(x) != len(y):
                raise ValueError(
                    f"paired results need the same seeds, got {len(x)} and {len(y)} in one stratum; "
                    "keep the seeds that both methods ran."
                )
        differences = [x - y for x, y in pairs]
        drawn = [difference[self._pick(difference)].mean(axis=-1) for difference in differences]
        return self._estimate(float(np.mean([d.mean() for d in differences])), np.mean(drawn, axis=0))

    def _pick(self, row: Array) -> NDArray[np.int64]:
        return self.generator.integers(len(row), size=(self.draws, len(row)))

    def _estimate(self, value: float, drawn: Array) -> Estimate:
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return Estimate(value, float(low), float(high))


def interquartile_mean(results: ArrayLike) -> Array:
    """Mean over the last dimension without its lowest and its highest quarter, each rounded down.

    Raises:
        ValueError: if that dimension is empty.
    """
    ordered = np.sort(np.asarray(results, dtype=np.float64), axis=-1)
    count = ordered.shape[-1]
    if not count:
        raise ValueError("an interquartile mean needs results, got none; pass at least one seed.")
    return np.asarray(ordered[..., count // 4 : count - count // 4].mean(axis=-1))


def _superiority(x: Array, y: Array) -> Array:
    """Share of pairs in which x is larger, equal ones counted half; over the last dimension."""
    sign: Array = np.sign(x[..., :, None] - y[..., None, :])
    return np.asarray((1 + sign.mean(axis=(-2, -1))) / 2)


def _rows(results: Sequence[ArrayLike]) -> list[Array]:
    rows = [np.asarray(row, dtype=np.float64) for row in results]
    if not rows or any(row.ndim != 1 or not len(row) for row in rows):
        raise ValueError("results must hold one non-empty row of seeds for each stratum; pass [[...], ...].")
    if not all(np.isfinite(row).all() for row in rows):
        raise ValueError("results must be finite, got NaN or infinity; score a failed run, do not leave it blank.")
    return rows


def _pairs(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> list[tuple[Array, Array]]:
    if len(first) != len(second):
        raise ValueError(
            f"both methods need the same strata, got {len(first)} and {len(second)}; pass the cells that both ran."
        )
    return list(zip(_rows(first), _rows(second), strict=True))
