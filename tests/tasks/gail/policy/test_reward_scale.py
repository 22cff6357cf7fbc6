"""The scale of rewards, by hand."""

import numpy as np
import pytest

from tasks.gail.policy.reward_scale import RewardScale


def test_the_deviation_of_discounted_sums_by_hand():
    """Sums 1 + 1/2 * 4 = 3 and 4 of the first; an end parts 2 and 6 of the second: deviation of (3, 4, 2, 6)."""
    rewards, ends = np.array([[1.0, 2.0], [4.0, 6.0]]), np.array([[0.0, 1.0], [0.0, 0.0]])
    scale = RewardScale()
    assert scale.scaled(rewards, ends, 0.5) == pytest.approx(rewards / np.std([3, 4, 2, 6]))


def test_later_rollouts_weigh_a_tenth():
    scale, rewards, ends = RewardScale(), np.array([[1.0, 3.0]]), np.zeros((1, 2))
    scale.scaled(rewards, ends, 0.9)
    assert scale.value == 1
    scale.scaled(11 * rewards, ends, 0.9)
    assert scale.value == pytest.approx(0.9 + 0.1 * 11)


def test_rewards_that_are_all_zero_stay_so():
    assert not RewardScale().scaled(np.zeros((3, 2)), np.zeros((3, 2)), 0.9).any()
