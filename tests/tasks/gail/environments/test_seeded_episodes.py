"""Episodes seeded one by one: any point of a run can be reached again, bit for bit."""

import io

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.classic_control import MountainCarEnv
from gymnasium.envs.registration import EnvSpec
from stable_baselines3.common.vec_env import DummyVecEnv

from tasks.gail.environments.fixed_horizon import CARTPOLE, MOUNTAIN_CAR
from tasks.gail.environments.seeded_episodes import (
    SeededEpisodes,
    make_environment,
    make_environments,
    require_supported_spaces,
    restore_episodes,
    variable_horizon,
)


class Blank(gymnasium.Env):
    """Spaces and nothing else."""

    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


VECTOR = spaces.Box(-1, 1, (3,))


def one_step(environment):
    environment.reset()
    environment.step(0)


class TestSpaces:
    @pytest.mark.parametrize("actions", [spaces.Discrete(2), spaces.Box(-1, 1, (2,)), spaces.Box(-9, 9, (1, 2))])
    def test_vectors_and_both_kinds_of_actions_are_taken(self, actions):
        require_supported_spaces(Blank(VECTOR, actions))

    @pytest.mark.parametrize(
        "seen",
        [spaces.Box(0, 1, (2, 2)), spaces.Box(0, 1, ()), spaces.Box(0, 1, (2,), bool), spaces.Discrete(3), None],
    )
    def test_other_observations_are_refused(self, seen):
        with pytest.raises(ValueError, match=r"must be vectors of numbers, a Box of shape \(d,\), got .*wrap"):
            require_supported_spaces(Blank(seen, spaces.Discrete(2)))

    @pytest.mark.parametrize(
        "done",
        [
            spaces.MultiDiscrete([2, 2]),
            spaces.Discrete(2, start=1),
            spaces.Box(0, 3, (1,), dtype=np.int64),
            spaces.Box(0, 1, ()),
            spaces.Box(-np.inf, np.inf, (2,)),
            spaces.Box(0, np.inf, (2,)),
        ],
    )
    def test_other_actions_are_refused(self, done):
        with pytest.raises(
            ValueError, match=r"actions must be Discrete\(n\), counted from 0, or a bounded Box.*got .*wrap"
        ):
            require_supported_spaces(Blank(VECTOR, done))


class TestMaking:
    @pytest.mark.parametrize("name", ["NoSuchWorld-v0", "no/NoSuchWorld-v0", "not a name", "no_module:World-v0"])
    def test_unknown_environments_are_refused(self, name):
        with pytest.raises(ValueError, match=r"gymnasium cannot make the environment.*choose one that"):
            make_environment(name, seed=0)

    @pytest.mark.parametrize("error", [RuntimeError, AttributeError, OSError, TypeError])
    def test_whatever_a_constructor_raises_is_told(self, error, monkeypatch):
        def broken(**_):
            raise error("no such track")

        monkeypatch.setitem(gymnasium.registry, "mine/Car-v0", EnvSpec("mine/Car-v0", entry_point=broken))
        with pytest.raises(ValueError, match=r"gymnasium cannot make the environment 'mine/Car-v0': no such track"):
            make_environment("mine/Car-v0", seed=0)

    def test_an_environment_in_place_of_its_id_is_refused(self):
        with pytest.raises(TypeError, match=r"must be a gymnasium id .*got <class .*gymnasium.register"):
            make_environment(Blank, seed=0)

    @pytest.mark.parametrize(("broken", "actions"), [("reset", 0), ("step", 1)])
    def test_observations_that_are_no_numbers_are_refused_with_their_place(self, broken, actions, monkeypatch):
        bad = np.array([0.5, np.nan], dtype=np.float32)
        answers = {"reset": lambda *_, **__: (bad, {}), "step": lambda *_: (bad, 0.0, False, False, {})}
        monkeypatch.setattr(MountainCarEnv, broken, answers[broken])
        spec = EnvSpec("mine/Car-v0", entry_point=MountainCarEnv, disable_env_checker=True)
        monkeypatch.setitem(gymnasium.registry, spec.id, spec)
        environment = make_environment(spec.id, seed=0, number=3)
        where = (
            rf"NaN or infinite in float32 after {actions} actions of episode 0 of environment 3: \[0.5 nan\]; let"
        )
        with pytest.raises(ValueError, match=f"mine/Car-v0 gave an observation that is {where}"):
            one_step(environment)

    def test_unsupported_ones_too(self):
        with pytest.raises(ValueError, match="observations must be vectors of numbers"):
            make_environment("FrozenLake-v1", seed=0)

    @pytest.mark.parametrize(("count", "seed"), [(0, 0), (1, -1)])
    def test_counts_and_seeds_are_checked(self, count, seed):
        with pytest.raises(ValueError, match="must be at least"):
            make_environments("CartPole-v1", count, seed=seed)

    def test_purposes_are_checked(self):
        with pytest.raises(ValueError, match="there is no purpose 'trianing'; did you mean 'training'"):
            make_environment("CartPole-v1", seed=0, purpose="trianing")

    def test_options_are_refused(self):
        with pytest.raises(ValueError, match=r"starts from its seed alone, got the options {'low': 0"):
            make_environment("CartPole-v1", seed=0).reset(options={"low": 0.0})


class TestSeeds:
    def test_each_run_purpose_environment_and_episode_has_its_own(self):
        seeds = [
            SeededEpisodes(Blank(VECTOR, spaces.Discrete(2)), seed, number, purpose).episode_seed(episode)
            for seed in range(3)
            for number in range(3)
            for purpose in ("training", "evaluation", "demonstrations")
            for episode in range(3)
        ]
        assert len(set(seeds)) == 81
        assert all(0 <= seed < 2**32 for seed in seeds)

    def test_seeds_do_not_change_between_versions(self):
        environment = make_environment("CartPole-v1", seed=7, number=2)
        assert [environment.episode_seed(episode) for episode in range(3)] == [1745121092, 1730298833, 1618939153]

    def test_an_episode_starts_as_its_seed_says(self):
        environment, bare = make_environment("CartPole-v1", seed=3, number=1), gymnasium.make("CartPole-v1")
        for episode in range(3):
            expected, _ = bare.reset(seed=environment.episode_seed(episode))
            observation, _ = environment.reset(seed=99)
            np.testing.assert_array_equal(observation, expected)

    def test_an_episode_does_not_depend_on_the_one_before(self):
        one, other = (make_environment("CartPole-v1", seed=0) for _ in range(2))
        one.reset()
        one.step(1)
        other.reset()
        np.testing.assert_array_equal(one.reset()[0], other.reset()[0])


def actions_for(environments: DummyVecEnv, steps: int) -> list[np.ndarray]:
    generator, space = np.random.default_rng(0), environments.action_space
    if isinstance(space, spaces.Discrete):
        return list(generator.integers(space.n, size=(steps, environments.num_envs)))
    size = (steps, environments.num_envs, *space.shape)
    return list(generator.uniform(space.low, space.high, size).astype(space.dtype))


def play(environments: DummyVecEnv, actions) -> list[tuple]:
    rows = []
    for action in actions:
        observations, rewards, dones, infos = environments.step(action)
        finals = [info.get("terminal_observation") for info in infos]
        cut = [info["TimeLimit.truncated"] for info in infos]
        rows.append((observations, rewards, dones, finals, cut))
    return rows


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


class TestResuming:
    # MountainCar's and Pendulum's episodes are 200 steps long, so each run sees the end of several.
    @pytest.mark.parametrize("name", ["CartPole-v1", "MountainCar-v0", "Pendulum-v1", CARTPOLE, MOUNTAIN_CAR])
    @pytest.mark.parametrize("stop", [1, 137, 200, 201])
    def test_a_resumed_run_is_the_uninterrupted_one(self, name, stop):
        whole, again = (make_environments(name, 2, seed=5) for _ in range(2))
        actions = actions_for(whole, 650)
        whole.reset()
        play(whole, actions[:stop])
        expected_observations = whole.buf_obs[None].copy()
        state = through_a_file(whole.env_method("state_dict"))
        expected = play(whole, actions[stop:])
        assert sum(dones.sum() for _, _, dones, _, _ in expected) >= (2 if name == CARTPOLE else 4)

        np.testing.assert_array_equal(restore_episodes(again, state), expected_observations)
        for row, twin in zip(play(again, actions[stop:]), expected, strict=True):
            for value, other in zip(row[:3], twin[:3], strict=True):
                np.testing.assert_array_equal(value, other)
                assert value.dtype == other.dtype
            assert row[4] == twin[4]
            for value, other in zip(row[3], twin[3], strict=True):
                np.testing.assert_array_equal(value, other)

    def test_a_restored_environment_may_have_gone_elsewhere(self):
        environment = make_environment("Pendulum-v1", seed=1)
        for _ in range(3):
            environment.reset()
        observation = environment.step(np.array([0.3], dtype=np.float32))[0]
        state = environment.state_dict()
        environment.reset()
        environment.load_state_dict(state)
        np.testing.assert_array_equal(environment.observation, observation)
        assert environment.episodes == 3
        assert environment.state_dict()["actions"].dtype == torch.float32

    def test_nothing_has_begun_yet(self):
        one, other = (make_environment("CartPole-v1", seed=1) for _ in range(2))
        other.load_state_dict(one.state_dict())
        np.testing.assert_array_equal(one.reset()[0], other.reset()[0])

    def test_a_state_keeps_its_actions_though_the_run_goes_on(self):
        environment = make_environment("Pendulum-v1", seed=1)
        environment.reset()
        action = np.array([0.3], dtype=np.float32)
        environment.step(action)
        state = environment.state_dict()
        action[0] = 0.7
        environment.step(action)
        assert state["actions"].tolist() == [[pytest.approx(0.3)]]
        assert environment.state_dict()["actions"].tolist() == [[pytest.approx(0.3)], [pytest.approx(0.7)]]

    def test_another_number_of_environments_is_refused(self):
        two, three = make_environments("CartPole-v1", 2, seed=0), make_environments("CartPole-v1", 3, seed=0)
        with pytest.raises(ValueError, match="the checkpoint holds 2 environments, the run has 3"):
            restore_episodes(three, two.env_method("state_dict"))


class TestAges:
    """Environments that live equally long are kept apart in age."""

    @staticmethod
    def ends(environments, steps):
        environments.reset()
        found = [[] for _ in range(environments.num_envs)]
        for step in range(1, steps + 1):
            _, _, dones, infos = environments.step(np.zeros(environments.num_envs, dtype=int))
            for number in np.flatnonzero(dones):
                assert infos[number]["TimeLimit.truncated"]
                found[number].append(step)
        return found

    def test_in_training_first_episodes_are_cut_off_one_after_the_other(self):
        assert self.ends(make_environments(MOUNTAIN_CAR, 4, seed=0), 400) == [
            [50, 250],
            [100, 300],
            [150, 350],
            [200, 400],
        ]

    def test_evaluations_are_whole(self):
        assert self.ends(make_environments(MOUNTAIN_CAR, 2, seed=0, purpose="evaluation"), 200) == [[200], [200]]

    def test_without_a_time_limit_there_is_nothing_to_cut(self):
        assert SeededEpisodes(Blank(VECTOR, spaces.Discrete(2)), 0, 0, first=0.5).first is None


class TestHorizon:
    @pytest.mark.parametrize(
        ("name", "variable"),
        [
            ("CartPole-v1", True),
            ("MountainCar-v0", True),
            ("Acrobot-v1", True),
            ("Pendulum-v1", False),
            (CARTPOLE, False),
            (MOUNTAIN_CAR, False),
        ],
    )
    def test_known_environments(self, name, variable):
        assert variable_horizon(make_environment(name, seed=0)) is variable
        assert variable_horizon(make_environments(name, 2, seed=0)) is variable

    def test_an_unknown_one_counts_as_variable_unless_it_says_so(self):
        unknown = Blank(VECTOR, spaces.Discrete(2))
        assert variable_horizon(unknown)
        unknown.metadata = {"fixed_horizon": True}
        assert not variable_horizon(unknown)

    def test_a_strangers_pendulum_counts_as_variable(self):
        stranger = Blank(VECTOR, spaces.Discrete(2))
        stranger.spec = gymnasium.envs.registration.EnvSpec("somewhere/Pendulum-v1", entry_point="x:y")
        assert variable_horizon(stranger)
