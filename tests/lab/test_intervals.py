"""The interval of a share agrees with numbers worked out by hand, and with scipy's."""

import pytest
from scipy.stats import binomtest

from minimax_l2l.lab import wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(50, 100, 0.4038, 0.5962), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_by_hand(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("n", [1, 7, 360, 10_000])
def test_as_scipy_has_it(n):
    for successes in {0, 1, n // 3, n - 1, n}:
        wanted = binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson_interval(successes, n) == pytest.approx(tuple(wanted), abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "n", "error", "said"),
    [
        (3, 2, ValueError, "3 successes among n=2"),
        (0, 0, ValueError, "n must be"),
        (-1, 2, ValueError, "successes must be"),
        (0.5, 2, TypeError, "successes must be"),
    ],
)
def test_refusals(successes, n, error, said):
    with pytest.raises(error, match=said):
        wilson_interval(successes, n)
