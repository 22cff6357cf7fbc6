"""The numbers that say how well a run keeps what it has learned."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.gail.measures.stability import scores, stability

# Scores in the unit of returns: random 0, expert 1. The mean of two first reaches 0.95 at the third evaluation.
CURVE = [0.0, 0.9, 1.0, 1.0, 0.4, 0.6, 1.0, 0.7]
STEPS = [10, 20, 30, 40, 50, 60, 80, 90]  # one gap is twice as long


def measured(curve=CURVE, steps=STEPS, **settings):
    return stability(steps, curve, **({"random": 0.0, "expert": 1.0, "window": 2} | settings))


class TestScores:
    def test_by_hand(self):
        # Random and expert are 94 apart; -153 lies 47 above random.
        assert scores([-200, -153, -106], random=-200, expert=-106).tolist() == [0.0, 0.5, 1.0]

    def test_keeps_the_shape_and_is_not_clipped(self):
        assert scores([[3.0], [-1.0]], random=0, expert=2).tolist() == [[1.5], [-0.5]]

    @pytest.mark.parametrize("expert", [5.0, 4.0], ids=["equal", "worse"])
    def test_the_expert_must_be_better_than_random(self, expert):
        with pytest.raises(ValueError, match="must exceed the random policy's"):
            scores([1.0], random=5.0, expert=expert)

    @pytest.mark.parametrize("broken", [math.nan, math.inf])
    def test_broken_numbers_are_named(self, broken):
        for numbers in ([broken], 0.0, 1.0), ([1.0], -broken, 1.0), ([1.0], 0.0, broken):
            with pytest.raises(ValueError, match="must be finite"):
                scores(numbers[0], random=numbers[1], expert=numbers[2])


class TestByHand:
    """Windows of two: .45 .95 | from here on 1 .7 .5 .8 .85; the hit is the third evaluation, iteration 30."""

    def test_hit(self):
        assert measured().hit == 30

    def test_worst_window(self):
        assert measured().worst_window == pytest.approx(0.5)  # (0.4 + 0.6) / 2

    def test_drawdown(self):
        assert measured().drawdown == pytest.approx(0.5)  # from 1.0 to 0.5

    def test_longest_outage(self):
        # 0.4 and 0.6 stand for 10 iterations each, 0.7 at the end for 10.
        assert measured().longest_outage == 20
        assert measured().outage

    def test_an_outage_counts_iterations_not_evaluations(self):
        # The only low evaluation is that of iteration 80: the 20 iterations since 60.
        assert measured([0, 0.9, 1, 1, 1, 1, 0.1, 1]).longest_outage == 20

    def test_cvar_is_the_worst_evaluation_of_up_to_ten(self):
        assert measured().cvar10 == pytest.approx(0.4)

    def test_cvar_of_twenty_evaluations_is_the_mean_of_two(self):
        curve = [1.0] * 20 + [0.3, 0.5]  # hit at the second evaluation, so 21 count: three of them, 0.3 0.5 1
        assert stability(range(1, 23), curve, random=0, expert=1, window=2).cvar10 == pytest.approx(0.6)
        assert stability(range(1, 22), curve[1:], random=0, expert=1, window=2).cvar10 == pytest.approx(0.4)

    def test_areas(self):
        # Since the hit: (1 + 1 + .4 + .6) * 10 + 1 * 20 + .7 * 10 = 57 over 70 iterations.
        assert measured().area_after_hit == pytest.approx(57 / 70)
        # All: 0 * 10 + .9 * 10 + 57 = 66 over 90 iterations.
        assert measured().area == pytest.approx(66 / 90)

    def test_the_last_tenth_as_score_and_as_return(self):
        assert measured().last_tenth == pytest.approx(0.7)
        in_returns = measured([-200 + 94 * s for s in CURVE], random=-200, expert=-106)
        assert in_returns.return_mean == pytest.approx(-200 + 94 * 0.7)
        # A tenth of 30 is 3: one more would bring a zero in.
        steady = stability(range(1, 31), [0.0] * 27 + [1.0] * 3, random=0, expert=1)
        assert steady.last_tenth == 1

    def test_without_a_hit_nothing_is_missing(self):
        never = measured([0.5] * 8)
        assert never.hit is None
        assert (never.worst_window, never.cvar10, never.area_after_hit, never.drawdown) == (0, 0, 0, 1)
        assert never.longest_outage == 90
        assert never.outage
        assert never.area == never.last_tenth == 0.5

    def test_a_perfect_run_of_the_published_window(self):
        perfect = stability(range(5, 105, 5), [500] * 20, random=22, expert=500)
        assert perfect.hit == 50  # the tenth evaluation
        assert not perfect.outage
        assert (perfect.worst_window, perfect.drawdown, perfect.longest_outage) == (1, 0, 0)

    def test_thresholds_are_arguments(self):
        assert measured(reached=0.99).hit == 40
        assert measured(low=0.5).longest_outage == 10
        assert not measured(low=0.4).outage  # 0.4 itself is not below it
        assert measured(window=1, reached=0.9).hit == 20

    def test_the_row_has_the_result_files_names(self):
        row = measured().as_row()
        names = {"hit", "return_mean", "worst_window", "longest_outage", "drawdown", "cvar10"}
        assert names <= row.keys()
        assert row["outage"] is True
        assert row["hit"] == 30

    def test_the_row_holds_plain_numbers(self):
        for row in measured().as_row(), measured([0.5] * 8).as_row():
            assert {type(value) for value in row.values()} <= {int, float, bool, type(None)}


class TestRefusals:
    def test_a_curve_shorter_than_a_window(self):
        with pytest.raises(ValueError, match="got 8 for window=10; evaluate more often or pass a smaller window"):
            measured(window=10)

    def test_lists_of_two_lengths(self):
        with pytest.raises(ValueError, match="one length"):
            measured(steps=STEPS[:-1])

    @pytest.mark.parametrize("steps", [[2, 1], [1, 1], [-1, 1]], ids=["falling", "equal", "negative"])
    def test_iterations_that_do_not_rise(self, steps):
        with pytest.raises(ValueError, match="must rise"):
            measured([1, 1], steps)

    def test_a_run_of_no_length(self):
        with pytest.raises(ValueError, match="must rise"):
            measured([1], [0], window=1)

    def test_nan(self):
        with pytest.raises(ValueError, match="must be finite"):
            measured([math.nan, *CURVE[1:]])

    @pytest.mark.parametrize(("window", "error"), [(0, ValueError), (2.0, TypeError)])
    def test_a_window_that_is_none(self, window, error):
        with pytest.raises(error, match="window must be"):
            measured(window=window)


# Whole returns between 0 and 16, and maps by powers of two, keep every sum exact: equal means equal.
curves = st.lists(st.integers(-4, 20), min_size=3, max_size=60)
laws = settings(max_examples=80, deadline=None)


def of(curve, *, random=0.0, expert=16.0, start=1):
    return stability(range(start, start + len(curve)), curve, random=random, expert=expert, window=3)


class TestLaws:
    @laws
    @given(curves, st.sampled_from([0.25, 1.0, 8.0]), st.integers(-300, 300))
    def test_rising_affine_maps_of_the_return_change_no_score(self, curve, scale, shift):
        mapped = of([scale * r + shift for r in curve], random=shift, expert=16 * scale + shift).as_row()
        wanted = of(curve).as_row()
        assert mapped.pop("return_mean") == pytest.approx(scale * wanted.pop("return_mean") + shift)
        assert mapped == wanted

    @laws
    @given(curves, st.integers(1, 40))
    def test_failures_put_before_a_curve_move_the_hit_alone(self, curve, delay):
        early, late = of(curve), of([-100] * delay + curve)
        if early.hit is None:
            assert late.hit is None
            assert late.longest_outage == early.longest_outage + delay
        else:
            assert late.hit == early.hit + delay
            for name in ("worst_window", "drawdown", "longest_outage", "cvar10", "area_after_hit"):
                assert getattr(late, name) == getattr(early, name)

    @laws
    @given(curves)
    def test_bounds(self, curve):
        s = of(curve)
        assert s.drawdown >= 0
        assert 0 <= s.longest_outage <= len(curve)
        if s.hit is not None:
            after = np.array(curve[s.hit - 1 :]) / 16
            assert after.min() <= s.cvar10 <= after.mean() + 1e-12
            assert s.worst_window >= (np.array(curve) / 16).min()

    @laws
    @given(curves, st.data())
    def test_a_later_dip_never_helps(self, curve, data):
        before = of(curve)
        if before.hit is None or before.hit == len(curve):
            return
        place = data.draw(st.integers(before.hit, len(curve) - 1))  # after the hit
        after = of([*curve[:place], curve[place] - 4, *curve[place + 1 :]])
        assert after.hit == before.hit
        assert after.worst_window <= before.worst_window
        assert after.longest_outage >= before.longest_outage
        assert after.cvar10 <= before.cvar10 + 1e-12
        assert after.area < before.area

    @laws
    @given(curves, st.floats(0.1, 1.5), st.floats(0.1, 1.5))
    def test_a_higher_bar_is_never_reached_sooner(self, curve, one, other):
        low, high = sorted((one, other))
        hits = [
            stability(range(1, len(curve) + 1), curve, random=0, expert=16, window=3, reached=bar).hit
            for bar in (low, high)
        ]
        assert (hits[0] or math.inf) <= (hits[1] or math.inf)
