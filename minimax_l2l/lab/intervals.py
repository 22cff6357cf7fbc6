"""How sure a share is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from minimax_l2l.errors import require_count

QUANTILE = NormalDist().inv_cdf(0.975)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share: all p with |p - successes / n| <= z sqrt(p (1 - p) / n), z = 1.96.

    It says what other instances of the same kind, images or games, might give. It knows nothing of other training
    seeds.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.

    Args:
        successes: how many there were, such as images that withstood.
        n: of how many.

    Returns:
        Both ends, in [0, 1].

    Raises:
        TypeError: if an argument is no whole number.
        ValueError: if n is 0, or there are more successes than that.
    """
    require_count("successes", successes)
    require_count("n", n, least=1)
    if successes > n:
        raise ValueError(f"there cannot be {successes} successes among n={n}; swap the two, perhaps.")
    share, z2 = successes / n, QUANTILE**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = QUANTILE * sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return (centre - half if successes else 0.0), (centre + half if successes < n else 1.0)
