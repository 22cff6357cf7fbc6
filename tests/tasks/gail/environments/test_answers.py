"""What environments answer: gymnasium's interface or a sentence, wherever they are played."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from worlds import registered

from tasks.gail import GAIL, Demonstrations, PolicySettings, record
from tasks.gail.environments.evaluator import Evaluator
from tasks.gail.environments.seeded_episodes import make_environment

SEEN = np.zeros(2, np.float32)


class Stepping(gymnasium.Wrapper):
    """A wrapper that unpacks, as most do."""

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, info


def learn(name):
    shown = Demonstrations.from_arrays(name, [np.zeros((3, 2))], [np.zeros(2, int)])
    small = PolicySettings(environments=2, steps=4, hidden=(4,), critic_batch=8)
    GAIL(name, shown, reward="neutral", iterations=1, policy=small).learner.collect(0)


PLAYED = {
    "recorded": lambda name: record(lambda _: 0, name, 1, seed=0),
    "evaluated": lambda name: Evaluator(name, 1, seed=0).play(lambda seen: np.zeros(len(seen), int)),
    "trained in": learn,
}
RESETS = {
    "an observation alone": np.array([3, -5.0], np.float32),
    "a tuple of numbers": (3.0, -5.0),
    "three": (SEEN, {}, 1),
    "a list": [SEEN, {}],
    "no info": (SEEN, None),
    "nothing": None,
}
STEPS = {
    "four, as in gym": (SEEN, 1.0, True, {}),
    "six": (SEEN, 1.0, True, False, {}, {}),
    "a list": [SEEN, 1.0, True, False, {}],
    "nothing": None,
    "no info": (SEEN, 1.0, True, False, None),
    "text as reward": (SEEN, "1", True, False, {}),
    "a complex reward": (SEEN, 1j, True, False, {}),
    "no reward": (SEEN, None, True, False, {}),
    "an array as reward": (SEEN, np.ones(1), True, False, {}),
    "a tensor as reward": (SEEN, torch.ones(()), True, False, {}),
    "a flag as reward": (SEEN, True, True, False, {}),
    "NaN as reward": (SEEN, float("nan"), True, False, {}),
    "an infinite reward": (SEEN, np.float16("-inf"), True, False, {}),
    "a whole number as reward that no float holds": (SEEN, 10**400, True, False, {}),
    "one of more digits than Python writes": (SEEN, -(10**5000), True, False, {}),
    "a reward that float32 cannot hold": (SEEN, 1e39, True, False, {}),
    "a number as terminated": (SEEN, 1.0, 1, False, {}),
    "nothing as truncated": (SEEN, 1.0, True, None, {}),
}
OBSERVATIONS = {
    "too long": np.zeros(3),
    "too short": np.zeros(1),
    "a number": 0.5,
    "a batch": np.zeros((1, 2)),
    "text": np.array(["a", "b"]),
    "complex": np.zeros(2, complex),
    "flags": np.array([True, False]),
    "ragged": [0.0, [1.0]],
    "a dict": {"place": SEEN},
    "nothing": None,
}


@pytest.mark.parametrize("played", PLAYED)
class TestForms:
    @pytest.mark.parametrize("wrapped", [None, Stepping], ids=["bare", "wrapped"])
    @pytest.mark.parametrize("answer", STEPS)
    def test_a_step_gives_five_of_their_kinds(self, played, answer, wrapped, monkeypatch):
        name = registered(monkeypatch, wrapped=wrapped, max_episode_steps=9, step=lambda *_: STEPS[answer])
        with pytest.raises(ValueError, match=r"^mine/World-v0: step\(\) must return .*, got .*; return "):
            PLAYED[played](name)

    @pytest.mark.parametrize("answer", RESETS)
    def test_a_reset_gives_a_pair(self, played, answer, monkeypatch):
        name = registered(monkeypatch, reset=lambda *_, **__: RESETS[answer])
        with pytest.raises(
            ValueError, match=r"^mine/World-v0: reset\(\) must return a pair .*; return observation, info\."
        ):
            PLAYED[played](name)

    @pytest.mark.parametrize("seen", OBSERVATIONS)
    def test_observations_are_of_their_space(self, played, seen, monkeypatch):
        for method, answer in {
            "reset": lambda *_, **__: (OBSERVATIONS[seen], {}),
            "step": lambda *_: (OBSERVATIONS[seen], 1.0, True, False, {}),
        }.items():
            name = registered(monkeypatch, **{method: answer})
            with pytest.raises(
                ValueError, match=rf"^mine/World-v0: {method}\(\) must return an observation of shape \(2,\)"
            ):
                PLAYED[played](name)

    @pytest.mark.parametrize("method", ["reset", "step"])
    def test_masked_observations_have_no_values(self, played, method, monkeypatch):
        masked = np.ma.array(np.zeros(2, np.float32), mask=[False, True])
        answer = {"reset": (masked, {}), "step": (masked, 1.0, True, False, {})}[method]
        name = registered(monkeypatch, **{method: lambda *_, **__: answer})
        with pytest.raises(
            ValueError, match=rf"{method}\(\) must return an observation without masked entries, got"
        ):
            PLAYED[played](name)

    def test_an_array_that_masks_nothing_is_taken(self, played, monkeypatch):
        PLAYED[played](registered(monkeypatch, step=lambda *_: (np.ma.array(SEEN), 1.0, True, False, {})))

    def test_a_reset_without_a_seed_is_refused(self, played, monkeypatch):
        name = registered(monkeypatch, reset=lambda self: (SEEN, {}))
        with pytest.raises(ValueError, match=r"reset\(\) must take a seed and options .*def reset\(self, \*, seed"):
            PLAYED[played](name)


@pytest.mark.parametrize("seen", [[0.0, 1.0], (0, 1), np.arange(2), np.arange(2.0), torch.arange(2.0)])
def test_numbers_that_the_space_can_hold_are_taken(seen, monkeypatch):
    name = registered(monkeypatch, step=lambda *_: (seen, 1, np.bool_(True), False, {}))
    assert record(lambda _: 0, name, 1, seed=0).trajectories[0].observations[1].tolist() == [0, 1]


@pytest.mark.parametrize("seen", [np.array([0.5, 1.0]), np.array([300, 1]), np.array([-1, 1])])
def test_whole_spaces_are_given_what_they_can_hold(seen, monkeypatch):
    space = spaces.Box(0, 255, (2,), np.uint8)
    name = registered(
        monkeypatch,
        observation_space=space,
        reset=lambda *_, **__: (np.zeros(2, int), {}),
        step=lambda *_: (seen, 1.0, True, False, {}),
    )
    with pytest.raises(ValueError, match=r"step\(\) must return an observation .*uint8.*, got array"):
        record(lambda _: 0, name, 1, seed=0)


@pytest.mark.parametrize("seen", [[np.nan, 0], [0, np.inf], [1e39, 0]])
def test_numbers_beyond_the_space_are_refused(seen, monkeypatch):
    name = registered(monkeypatch, step=lambda *_: (np.array(seen), 1.0, True, False, {}))
    with pytest.raises(ValueError, match="NaN or infinite in float32 after 1 actions of episode 0"):
        record(lambda _: 0, name, 1, seed=0)


class InPlace(gymnasium.Wrapper):
    """Gives its own state away, changes it, and changes the actions it is given."""

    action_space = spaces.Box(-1, 1, (2,))

    def reset(self, *, seed=None, options=None):
        self.state, self.info = np.zeros(2, np.float32), {}
        return self.state, self.info

    def step(self, action):
        self.state += 1
        action += 7
        return self.state, 1.0, bool(self.state[0] > 3), False, self.info


class TestOwning:
    def test_what_an_environment_changes_in_place_was_copied(self, monkeypatch):
        name = registered(monkeypatch, wrapped=InPlace)
        mine = np.array([0.5, -0.5])

        def policy(seen):
            given = mine.copy()
            seen += 100  # nor is what a policy spoils recorded
            mine[:] *= -1
            return given

        one = record(policy, name, 1, seed=0).trajectories[0]
        assert one.observations[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert one.actions[:, 0].tolist() == [0.5, -0.5, 0.5, -0.5]

    def test_a_policy_may_give_the_same_array_again(self, monkeypatch):
        name, same = registered(monkeypatch, action_space=spaces.Box(-9, 9, (1,))), np.zeros(1)

        def policy(_):
            same[0] += 1
            return same

        assert record(policy, name, 1, seed=0).trajectories[0].actions[:, 0].tolist() == [1, 2, 3, 4]

    def test_a_rollout_keeps_actions_as_they_were_executed(self, monkeypatch):
        name = registered(monkeypatch, wrapped=InPlace)
        shown = Demonstrations.from_arrays(name, [np.zeros((3, 2))], [np.zeros((2, 2))])
        small = PolicySettings(environments=2, steps=4, hidden=(4,), critic_batch=8)
        rollout = GAIL(name, shown, reward="neutral", iterations=1, policy=small).learner.collect(0)
        assert rollout.actions.abs().max() <= 1
        assert rollout.observations[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        played = Evaluator(name, 1, seed=0).play(lambda seen: np.zeros((len(seen), 2)))
        assert played.observations[:, 0].tolist() == [0, 1, 2, 3]
        assert not played.actions.any()

    def test_a_state_repeats_actions_as_they_were_given(self, monkeypatch):
        environment = make_environment(registered(monkeypatch, wrapped=InPlace), seed=0)
        environment.reset()
        environment.step(np.full(2, 0.5, np.float32))
        assert environment.state_dict()["actions"].tolist() == [[0.5, 0.5]]


class TestWithoutAnEnd:
    @pytest.mark.parametrize("played", ["recorded", "evaluated"])
    def test_an_episode_that_does_not_end_is_refused_with_what_to_register(self, played, monkeypatch):
        name = registered(monkeypatch, length=None)
        with pytest.raises(
            ValueError,
            match=r"mine/World-v0 has no time limit, and an episode has not ended after 10000 steps; give it one, "
            r"gymnasium.register\('mine/World-v0', ..., max_episode_steps=1000\)",
        ):
            PLAYED[played](name)

    def test_training_needs_no_end(self, monkeypatch):
        learn(registered(monkeypatch, length=None))

    def test_a_limit_of_ones_own_is_kept(self, monkeypatch):
        name = registered(monkeypatch, length=None, max_episode_steps=10_500)
        assert len(record(lambda _: 0, name, 1, seed=0).trajectories[0]) == 10_500
