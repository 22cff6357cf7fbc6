"""Policies written by hand, at full strength."""

import numpy as np
import pytest

from tasks.gail.demonstrations.recording import record
from tasks.gail.environments.fixed_horizon import CARTPOLE, MOUNTAIN_CAR
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.experts.scripted import balance, balance_right, pump, push_left, random_policy


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


def test_mountain_cars_expert_arrives():
    returns = record(pump, "MountainCar-v0", 40, seed=0).returns
    assert -121 < returns.mean() < -117
    assert returns.min() >= -126
    np.testing.assert_array_equal(returns, record(pump, MOUNTAIN_CAR, 40, seed=0).returns)


def test_bad_demonstrators_are_bad():
    assert record(push_left, "CartPole-v1", 20, seed=0).returns.max() < 12
    assert (record(push_left, "MountainCar-v0", 3, seed=0).returns == -200).all()


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1"])
def test_random_policies_repeat_by_seed_and_leave_the_environment_alone(name):
    environment = make_environment(name, seed=0)
    environment.action_space.seed(3)
    expected = [environment.action_space.sample() for _ in range(5)]
    environment.action_space.seed(3)
    one, same, other = (random_policy(environment, seed) for seed in (0, 0, 1))
    actions = [[policy(None) for _ in range(50)] for policy in (one, same, other)]
    np.testing.assert_array_equal(actions[0], actions[1])
    assert not np.array_equal(actions[0], actions[2])
    assert all(environment.action_space.contains(action) for action in actions[0])
    np.testing.assert_array_equal([environment.action_space.sample() for _ in range(5)], expected)
