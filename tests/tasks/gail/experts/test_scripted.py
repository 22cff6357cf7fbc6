"""Policies written by hand, at full strength."""

import numpy as np
import pytest

from tasks.gail.demonstrations.recording import record
from tasks.gail.environments.fixed_horizon import CARTPOLE
from tasks.gail.experts.scripted import balance, balance_right, push_left


@pytest.mark.parametrize("name", ["CartPole-v1", CARTPOLE])
def test_cartpoles_expert_never_fails(name):
    assert (record(balance, name, 20, seed=0).returns == 500).all()


def test_the_style_expert_balances_as_well_and_holds_the_cart_at_one():
    style, plain = (record(policy, CARTPOLE, 20, seed=0) for policy in (balance_right, balance))
    assert (style.returns == 500).all()
    settled = np.array([one.observations[200:, 0] for one in style.trajectories])
    assert np.abs(settled - 1).mean(axis=1).max() < 0.05
    elsewhere = np.array([one.observations[200:, 0] for one in plain.trajectories])
    assert np.abs(elsewhere - 1).mean() > 0.8


def test_bad_demonstrators_are_bad():
    assert record(push_left, "CartPole-v1", 20, seed=0).returns.max() < 12
    assert (record(push_left, "MountainCar-v0", 3, seed=0).returns == -200).all()


@pytest.mark.parametrize("policy", [balance, balance_right])
def test_they_play_cartpole_alone(policy):
    with pytest.raises(ValueError, match=r"observation must be CartPole's four numbers, got shape \(2,\)"):
        policy(np.zeros(2))
