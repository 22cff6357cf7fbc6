"""Episodes of one length whatever happens in them."""

import gymnasium
import numpy as np
import pytest
from demonstrators import pump

from tasks.gail.environments.fixed_horizon import CARTPOLE, CARTPOLE_AT_ONE, MOUNTAIN_CAR, register
from tasks.gail.experts.scripted import balance, balance_right, push_left

register()


def rollout(environment, policy, seed):
    observation, _ = environment.reset(seed=seed)
    observations, rewards, ends = [observation], [], []
    while not (ends and any(ends[-1])):
        observation, reward, terminated, truncated, _ = environment.step(policy(observation))
        assert environment.observation_space.contains(observation)
        observations.append(observation)
        rewards.append(reward)
        ends.append((terminated, truncated))
    return np.array(observations), np.array(rewards), ends


@pytest.mark.parametrize(("name", "steps"), [(CARTPOLE, 500), (CARTPOLE_AT_ONE, 500), (MOUNTAIN_CAR, 200)])
@pytest.mark.parametrize("policy", [push_left, lambda observation: 2 if observation[1] >= 0 else 0])
def test_episodes_last_to_the_horizon_and_never_terminate(name, steps, policy):
    policy = policy if name == MOUNTAIN_CAR else (lambda observation, p=policy: min(p(observation), 1))
    _, _, ends = rollout(gymnasium.make(name), policy, seed=0)
    assert ends == [(False, False)] * (steps - 1) + [(False, True)]


def test_registering_twice_changes_nothing():
    before = gymnasium.registry[CARTPOLE]
    register()
    assert gymnasium.registry[CARTPOLE] is before


class TestCartPole:
    def test_a_good_policy_has_the_return_and_the_path_of_the_original(self):
        ours = rollout(gymnasium.make(CARTPOLE), balance, seed=1)
        theirs = rollout(gymnasium.make("CartPole-v1"), balance, seed=1)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1].sum() == 500

    def test_a_failure_ends_what_can_be_earned_and_puts_the_pole_up_again(self):
        observations, rewards, _ = rollout(gymnasium.make(CARTPOLE), push_left, seed=0)
        theirs, _, ends = rollout(gymnasium.make("CartPole-v1"), push_left, seed=0)
        failure = len(ends)
        assert 5 < failure < 15
        np.testing.assert_array_equal(observations[:failure], theirs[:failure])
        assert abs(theirs[failure, 2]) > np.radians(12)
        assert (abs(observations[failure]) <= 0.05).all()
        assert (abs(observations[:, 2]) <= np.radians(12)).all()
        np.testing.assert_array_equal(rewards, np.arange(500) < failure - 1)

    def test_every_episode_can_be_earned_in(self):
        environment = gymnasium.make(CARTPOLE)
        totals = [rollout(environment, push_left, seed=0)[1].sum() for _ in range(2)]
        assert totals[0] == totals[1] > 5

    def test_the_style_pays_for_standing_at_one_alone(self):
        observations, rewards, _ = rollout(gymnasium.make(CARTPOLE_AT_ONE), balance_right, seed=0)
        np.testing.assert_array_equal(rewards, (abs(observations[1:, 0] - 1) <= 0.25).astype(float))
        assert rewards.sum() > 350
        assert rollout(gymnasium.make(CARTPOLE_AT_ONE), balance, seed=0)[1].sum() == 0


class TestMountainCar:
    def test_returns_are_those_of_the_original(self):
        for seed in range(5):
            ours = rollout(gymnasium.make(MOUNTAIN_CAR), pump, seed)
            theirs = rollout(gymnasium.make("MountainCar-v0"), pump, seed)
            assert ours[1].sum() == theirs[1].sum() > -200
            np.testing.assert_array_equal(ours[0][: len(theirs[0])], theirs[0])

    def test_the_goal_absorbs(self):
        observations, rewards, _ = rollout(gymnasium.make(MOUNTAIN_CAR), pump, seed=0)
        arrival = int((rewards == 0).argmax())
        assert observations[arrival, 0] >= 0.5 > observations[arrival - 1, 0]
        assert (observations[arrival:] == observations[arrival]).all()
        assert not rewards[arrival:].any()
        assert (rewards[:arrival] == -1).all()

    def test_the_next_episode_starts_in_the_valley(self):
        environment = gymnasium.make(MOUNTAIN_CAR)
        rollout(environment, pump, seed=0)
        environment.reset(seed=1)
        assert environment.step(2)[1] == -1
