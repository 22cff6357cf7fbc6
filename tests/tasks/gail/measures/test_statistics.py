"""What a few seeds say about a method."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.gail.measures.statistics import Bootstrap, interquartile_mean


def bootstrap(seed=0, **settings):
    return Bootstrap(np.random.default_rng(seed), **settings)


class TestInterquartileMean:
    def test_by_hand(self):
        assert interquartile_mean([5.0, 1, 2, -90, 3]) == 2.0  # five lose one at each end: (1 + 2 + 3) / 3
        assert interquartile_mean([1.0, 2, 9]) == 4.0  # a quarter of three is none
        assert interquartile_mean([0.0, 1, 2, 3, 4, 5, 6, 99]) == 3.5  # eight lose two: (2 + 3 + 4 + 5) / 4

    def test_along_the_last_dimension(self):
        assert interquartile_mean([[5.0, 1, 2, -90, 3], [0, 0, 0, 0, 0]]).tolist() == [2.0, 0.0]

    def test_all_strata_together(self):
        estimate = bootstrap().interquartile_mean([[5.0, 1], [2, -90, 3]])
        assert estimate.value == 2.0

    @settings(deadline=None)
    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.randoms())
    def test_order_does_not_matter_and_it_lies_among_the_results(self, results, random):
        shuffled = random.sample(results, len(results))
        assert interquartile_mean(shuffled) == interquartile_mean(results)
        assert min(results) - 1e-6 <= interquartile_mean(results) <= max(results) + 1e-6

    def test_of_nothing(self):
        with pytest.raises(ValueError, match="needs results, got none"):
            interquartile_mean([])


class TestProbabilityOfImprovement:
    def test_by_hand(self):
        # Of (1, 3) against (0, 1): 1 > 0, 1 = 1, 3 > 0, 3 > 1, so (1 + .5 + 1 + 1) / 4.
        assert bootstrap().probability_of_improvement([[1.0, 3]], [[0.0, 1]]).value == 0.875

    def test_strata_weigh_equally_and_never_meet(self):
        # A sure win and a sure loss, in strata of different size: one half, and no draw says otherwise.
        estimate = bootstrap().probability_of_improvement([[2.0, 2, 2], [8]], [[1.0], [9, 9]])
        assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)

    def test_two_methods_share_one(self):
        one, other = [[1.0, 2, 5]], [[2.0, 3]]
        forth = bootstrap().probability_of_improvement(one, other).value
        back = bootstrap().probability_of_improvement(other, one).value
        assert forth + back == pytest.approx(1)


class TestPairedDifference:
    def test_by_hand(self):
        # Differences 1, 1, 4 and 0: means 2 and 0, so 1 over strata.
        assert bootstrap().paired_difference([[2.0, 9, 5], [7]], [[1.0, 8, 1], [7]]).value == 1

    def test_pairing_removes_what_seeds_have_in_common(self):
        easy_and_hard = np.array([0.0, 100, 1000, -50, 3])
        estimate = bootstrap().paired_difference([easy_and_hard + 1], [easy_and_hard])
        assert (estimate.value, estimate.low, estimate.high) == (1, 1, 1)

    def test_one_collapsed_seed_stays_visible(self):
        assert bootstrap().paired_difference([[1.0] * 5], [[1.0, 1, 1, 1, 0]]).value == pytest.approx(0.2)

    def test_needs_equal_seeds(self):
        with pytest.raises(ValueError, match="same seeds, got 2 and 3"):
            bootstrap().paired_difference([[1.0, 2]], [[1.0, 2, 3]])


class TestIntervals:
    def test_equal_results_leave_no_doubt(self):
        estimate = bootstrap().interquartile_mean([[3.0] * 5, [3.0] * 4])
        assert (estimate.value, estimate.low, estimate.high) == (3, 3, 3)

    def test_strata_keep_their_share_in_every_draw(self):
        # Without strata, draws would hold two to six ones and the mean would move.
        estimate = bootstrap().interquartile_mean([[0.0] * 4, [1.0] * 4])
        assert (estimate.low, estimate.high) == (0.5, 0.5)

    def test_two_seeds_by_hand(self):
        # Of two seeds 0 and 1, draws mean 0, 1/2 and 1 with chances 1/4, 1/2, 1/4: the middle 40 % is 1/2 alone.
        wide, narrow = (bootstrap(confidence=share).interquartile_mean([[0.0, 1]]) for share in (0.9, 0.4))
        assert (wide.low, wide.high) == (0, 1)
        assert (narrow.low, narrow.high) == (0.5, 0.5)

    def test_one_generator_state_gives_one_interval(self):
        results = [[1.0, 2, 4, 8, 16]]
        assert bootstrap(7).interquartile_mean(results) == bootstrap(7).interquartile_mean(results)
        assert bootstrap(7, draws=50).interquartile_mean(results) != bootstrap(8, draws=50).interquartile_mean(
            results
        )

    def test_coverage(self):
        """Of 400 studies of two strata of ten normal seeds, about 95 % of the intervals hold the truth, 0.

        The percentile interval is known to be somewhat short at this size: scaled by sqrt(9/10), about 0.93.
        """
        world = np.random.default_rng(3)
        maker = bootstrap(4, draws=400)
        estimates = [maker.interquartile_mean(world.normal(size=(2, 10))) for _ in range(400)]
        covered = np.mean([e.low <= 0 <= e.high for e in estimates])
        assert 0.89 <= covered <= 0.98

    def test_coverage_of_paired_differences(self):
        """Seeds share a large part that pairing removes; the truth is 1."""
        world = np.random.default_rng(5)
        maker = bootstrap(6, draws=400)
        covered = []
        for _ in range(300):
            shared = 10 * world.normal(size=20)
            estimate = maker.paired_difference([shared + world.normal(1, 1, 20)], [shared + world.normal(0, 1, 20)])
            covered.append(estimate.low <= 1 <= estimate.high)
        assert 0.89 <= np.mean(covered) <= 0.98


class TestRefusals:
    @pytest.mark.parametrize("results", [[], [[]], [[1.0], []], [1.0, 2.0]])
    def test_missing_rows(self, results):
        with pytest.raises(ValueError, match="one non-empty row of seeds for each stratum"):
            bootstrap().interquartile_mean(results)

    def test_a_blank(self):
        with pytest.raises(ValueError, match="score a failed run"):
            bootstrap().interquartile_mean([[1.0, math.nan]])

    def test_different_strata(self):
        with pytest.raises(ValueError, match="same strata, got 1 and 2"):
            bootstrap().probability_of_improvement([[1.0]], [[1.0], [2.0]])

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
    def test_confidence(self, confidence):
        with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
            bootstrap(confidence=confidence)

    def test_no_draws(self):
        with pytest.raises(ValueError, match="draws must be at least 1"):
            bootstrap(draws=0)
