"""Rewards: signs, values by hand, and the identity that ties the three together."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.gail.rewards import REWARDS, goal, neutral, survival

logits = st.floats(-50, 50).map(lambda z: torch.tensor([z], dtype=torch.float64))


def test_by_hand_where_nothing_is_known():
    """A logit of 0 is D = 1/2."""
    zero = torch.zeros(1)
    assert survival(zero).item() == pytest.approx(math.log(2))
    assert goal(zero).item() == pytest.approx(-math.log(2))
    assert neutral(zero).item() == 0


def test_by_hand():
    """D = 3/4: -log D, log(1 - D), log(1 - D) - log D."""
    z = torch.tensor([3.0], dtype=torch.float64).log()
    assert survival(z).item() == pytest.approx(-math.log(0.75))
    assert goal(z).item() == pytest.approx(math.log(0.25))
    assert neutral(z).item() == pytest.approx(math.log(0.25) - math.log(0.75))


@given(logits)
def test_signs_and_their_sum(z):
    assert survival(z) >= 0 >= goal(z)
    assert (survival(z) + goal(z)).item() == pytest.approx(neutral(z).item(), abs=1e-8)


@given(logits)
def test_swapping_the_labels_and_the_sign_changes_nothing(z):
    assert torch.equal(survival(z), -goal(-z))


@pytest.mark.parametrize("name", ["survival", "goal", "neutral"])
def test_what_looks_more_like_the_policy_is_paid_less(name):
    paid = REWARDS[name](torch.linspace(-5, 5, 11))
    assert (paid.diff() < 0).all()


def test_controls_pay_the_same_for_all():
    assert REWARDS["plus-one"](torch.randn(3)).tolist() == [1, 1, 1]
    assert REWARDS["minus-one"](torch.randn(3)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("name", REWARDS)
def test_finite_for_logits_that_float32_saturates_at(name):
    assert REWARDS[name](torch.tensor([-1e4, 1e4])).isfinite().all()
