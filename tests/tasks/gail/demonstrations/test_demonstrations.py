"""What an expert showed: checked, cut, counted."""

import re

import gymnasium
import numpy as np
import pytest
import torch
from demonstrators import at_random, pump
from gymnasium.envs.classic_control import MountainCarEnv
from gymnasium.envs.registration import EnvSpec

from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.recording import record
from tasks.gail.demonstrations.trajectory import Trajectory
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.experts.scripted import push_left


def numbered(*lengths: int, name: str = "MountainCar-v0") -> Demonstrations:
    """Trajectories whose observations say where they are from: 100 times the trajectory plus the step."""
    return Demonstrations.from_arrays(
        name,
        [np.stack([100 * i + np.arange(t + 1), np.zeros(t + 1)], 1) for i, t in enumerate(lengths)],
        [np.arange(t) % 3 for t in lengths],
        rewards=[np.full(t, float(i)) for i, t in enumerate(lengths)],
    )


class TestTrajectory:
    @pytest.mark.parametrize(
        ("observations", "actions", "sentence"),
        [
            (np.zeros((3, 2)), [0, 1, 2], r"3 actions need observations of shape \(4, d\), one more, got \(3, 2\)"),
            (np.zeros(4), [0, 1, 2], r"3 actions need observations of shape \(4, d\), one more, got \(4,\)"),
            (np.zeros((1, 2)), np.zeros(0, int), r"needs at least one action, got actions of shape \(0,\)"),
            (
                np.zeros((2, 2)),
                np.int64(1),
                r"got the single number 1; where trajectories are.*\[actions\]",
            ),
            ([[0, 0], [0]], [1], "observations must be an array whose rows all have one shape"),
            ([[0, np.nan], [np.inf, 0]], [1], "2 of 4 numbers in observations are NaN or infinite; drop"),
            ([[0, 0], [0, 0]], [np.nan], "1 of 1 numbers in actions are NaN or infinite; drop"),
        ],
    )
    def test_wrong_arrays_are_refused(self, observations, actions, sentence):
        with pytest.raises(ValueError, match=sentence):
            Trajectory(observations, actions)

    @pytest.mark.parametrize("actions", [[True], ["left"], [None]])
    def test_wrong_kinds_are_refused(self, actions):
        with pytest.raises(
            TypeError,
            match=r"actions must be whole numbers or floating point, .*(number discrete|astype\(int\))",
        ):
            Trajectory(np.zeros((2, 2)), actions)
        with pytest.raises(TypeError, match="observations must be whole numbers or floating point, got"):
            Trajectory(np.array([actions, actions]), [0])

    def test_wrong_rewards_are_refused(self):
        with pytest.raises(ValueError, match=r"2 actions need as many rewards, shape \(2,\), got \(3,\)"):
            Trajectory(np.zeros((3, 2)), [0, 1], [1, 1, 1])
        with pytest.raises(ValueError, match="1 of 2 numbers in rewards are NaN"):
            Trajectory(np.zeros((3, 2)), [0, 1], [1, np.nan])

    def test_observations_must_fit_single_precision(self):
        with pytest.raises(ValueError, match=r"fit single precision, up to 3.4e\+38, got one of 1.0e\+39"):
            Trajectory([[0.0], [1e39]], [0])

    @pytest.mark.parametrize("kept", [[], [2], [-1], [1, 0], [0, 0], [0.0]])
    def test_steps_that_are_kept_are_there_and_rise(self, kept):
        with pytest.raises(ValueError, match="kept must be rising numbers of steps from 0 to 1"):
            Trajectory(np.zeros((3, 1)), [0, 0], kept=kept)

    def test_what_is_given_is_copied_and_keeps_its_precision(self):
        observations = np.zeros((2, 2))
        one = Trajectory(observations, [1])
        observations[:] = 7
        assert not one.observations.any()
        assert one.observations.dtype == np.float64
        assert Trajectory([[1], [2]], [0]).observations.dtype == np.float32


class TestDemonstrations:
    def test_an_environment_is_named_by_its_id(self):
        with pytest.raises(
            TypeError, match=r"environment_id must be a gymnasium id .*got <class .*gymnasium.register"
        ):
            Demonstrations.from_arrays(gymnasium.Env, [np.zeros((2, 2))], [[0]])

    def test_they_are_trajectories(self):
        with pytest.raises(TypeError, match=r"number 1 is str; make them of arrays by Demonstrations.from_arrays"):
            Demonstrations("x-v0", (numbered(3).trajectories[0], "x"))

    @pytest.mark.parametrize(("name", "value"), [("terminated", True), ("observations", None), ("actions", 3)])
    def test_each_has_an_entry_a_trajectory(self, name, value):
        given = {"observations": [np.zeros((2, 2))], "actions": [[0]], name: value}
        with pytest.raises(TypeError, match=f"{name} must have one entry a trajectory, got {value}; give a list"):
            Demonstrations.from_arrays("x-v0", **given)

    def test_none_are_refused(self):
        with pytest.raises(ValueError, match="demonstrations of CartPole-v1 are empty; give at least one"):
            Demonstrations.from_arrays("CartPole-v1", [], [])

    def test_mixtures_are_refused(self):
        with pytest.raises(ValueError, match=r"number 0 has .*\(T \+ 1, 2\).*and number 1 has .*\(T \+ 1, 3\)"):
            Demonstrations.from_arrays("x", [np.zeros((2, 2)), np.zeros((2, 3))], [[0], [0]])
        with pytest.raises(ValueError, match=r"\(T,\), whole numbers and number 1 has .*\(T,\), floating point"):
            Demonstrations.from_arrays("x", [np.zeros((2, 2)), np.zeros((2, 2))], [[0], [0.5]])

    @pytest.mark.parametrize("name", ["actions", "rewards", "terminated", "truncated"])
    def test_unequal_counts_are_refused(self, name):
        given = {"observations": [np.zeros((2, 2))] * 2, "actions": [[0]] * 2}
        given[name] = [[0]]
        with pytest.raises(
            ValueError, match=f"2 trajectories of observations need as many entries of {name}, got 1"
        ):
            Demonstrations.from_arrays("x", **given)

    def test_a_wrong_trajectory_is_told_by_its_number(self):
        with pytest.raises(ValueError, match=r"^trajectory 1: 2 of 4 numbers in observations are NaN"):
            Demonstrations.from_arrays("x", [np.zeros((2, 2)), np.full((2, 2), [0, np.nan])], [[0], [0]])
        with pytest.raises(TypeError, match=r"^trajectory 1: actions must be whole numbers"):
            Demonstrations.from_arrays("x", [np.zeros((2, 2)), np.zeros((2, 2))], [[0], ["left"]])

    def test_pairs_leave_the_last_observations_out(self):
        observations, actions = numbered(3, 2).pairs()
        assert observations[:, 0].tolist() == [0, 1, 2, 100, 101]
        assert actions.tolist() == [0, 1, 2, 0, 1]
        assert (observations.dtype, actions.dtype) == (torch.float32, torch.int64)

    def test_box_actions_stay_real(self):
        shown = Demonstrations.from_arrays("x", [np.zeros((3, 1))], [np.array([[0.5], [1.5]])])
        assert shown.pairs()[1].tolist() == [[0.5], [1.5]]
        assert shown.pairs()[1].dtype == torch.float32

    def test_returns(self):
        assert numbered(3, 2, 4).returns.tolist() == [0, 2, 8]
        assert numbered(30, 30).subsample(10, seed=0).returns.tolist() == [0, 30]
        unknown = Demonstrations.from_arrays("x", [np.zeros((2, 2))], [[0]])
        with pytest.raises(
            ValueError, match="1 of 1 trajectories came without rewards, so their return is unknown"
        ):
            _ = unknown.returns

    def test_the_hash_is_of_what_a_learner_is_given(self):
        shown = numbered(20, 20)
        assert shown.sha256 == numbered(20, 20).sha256
        flipped = Demonstrations.from_arrays(
            "MountainCar-v0",
            [one.observations for one in shown.trajectories],
            [2 - one.actions for one in shown.trajectories],
        )
        others = [shown.limit(1), shown.subsample(5, seed=0), numbered(20, 20, name="y"), flipped]
        assert len({one.sha256 for one in (shown, *others)}) == 5


class TestCutting:
    def test_subsampling_strides_from_a_random_step(self):
        shown = numbered(*[50] * 40).subsample(10, seed=0)
        offsets = set()
        for number, one in enumerate(shown.trajectories):
            seen = one.observations[one.steps][:, 0] - 100 * number
            assert (np.diff(seen) == 10).all()
            assert len(seen) == 5
            offsets.add(int(seen[0]))
        assert offsets <= set(range(10))
        assert len(offsets) >= 8
        assert len(shown.pairs()[0]) == 200

    def test_it_repeats_by_seed(self):
        shown = numbered(*[50] * 10)
        assert shown.subsample(10, seed=1).sha256 == shown.subsample(10, seed=1).sha256
        assert shown.subsample(10, seed=1).sha256 != shown.subsample(10, seed=2).sha256
        assert torch.equal(shown.subsample(1, seed=1).pairs()[0], shown.pairs()[0])

    def test_short_trajectories_are_refused(self):
        with pytest.raises(ValueError, match="shortest trajectory is 9, keeping one step in 10 needs 10"):
            numbered(50, 9).subsample(10, seed=0)

    def test_twice_is_refused(self):
        with pytest.raises(ValueError, match="sub-sampled already; sub-sample the whole ones"):
            numbered(50).subsample(2, seed=0).subsample(2, seed=0)

    def test_limit(self):
        assert numbered(3, 2, 4).limit(2).returns.tolist() == [0, 2]
        with pytest.raises(ValueError, match="4 trajectories were asked for, the demonstrations have 3"):
            numbered(3, 2, 4).limit(4)

    def test_split_shares_nothing(self):
        kept, held_out = numbered(3, 2, 4).split(1)
        assert kept.returns.tolist() == [0, 2]
        assert held_out.returns.tolist() == [8]
        with pytest.raises(ValueError, match=r"holding out 3 of 3 trajectories leaves none.*hold out 2 at most"):
            numbered(3, 2, 4).split(3)
        with pytest.raises(ValueError, match=r"holding out 1 of 1 trajectories leaves none.*record at least two"):
            numbered(3).split(1)
        with pytest.raises(ValueError, match="held_out must be at least 1"):
            numbered(3, 2, 4).split(0)


class TestAgainstAnEnvironment:
    @pytest.mark.parametrize("name", ["CartPole-v1", "MountainCar-v0", "Pendulum-v1"])
    def test_its_own_fit(self, name):
        environment = make_environment(name, seed=0)
        record(at_random(environment), name, 2, seed=0).check_against(environment)

    def test_of_another_environment(self):
        with pytest.raises(
            ValueError, match="these demonstrations are of MountainCar-v0, the environment is CartPole"
        ):
            numbered(3).check_against(make_environment("CartPole-v1", seed=0))

    def test_of_another_length(self):
        with pytest.raises(ValueError, match=r"observations have shape \(2,\), the environment's \(4,\); give raw"):
            numbered(3, name="CartPole-v1").check_against(make_environment("CartPole-v1", seed=0))

    @pytest.mark.parametrize(
        ("name", "actions", "remedy"),
        [
            ("MountainCar-v0", [[0.5]], r"give whole numbers from 0 to 2 of shape \(T,\)\.$"),
            ("MountainCar-v0", [[1, 1]], r"give whole numbers from 0 to 2 of shape \(T,\)\.$"),
            ("MountainCarContinuous-v0", [[0.5, 0.5]], r"give floating point of shape \(T, 1\)\.$"),
            ("x", [[0.5, 0.5]], r"give floating point of shape \(T, 1\)\.$"),
        ],
    )
    def test_of_another_kind_of_actions(self, name, actions, remedy):
        environment = gymnasium.make("MountainCarContinuous-v0" if name == "x" else name)
        environment.unwrapped.spec = None if name == "x" else environment.unwrapped.spec
        shown = Demonstrations.from_arrays(name, [np.zeros((2, 2))], [actions])
        with pytest.raises(ValueError, match=rf"actions of shape .*the environment's action space is .*; {remedy}"):
            shown.check_against(environment)

    @pytest.mark.parametrize(
        ("name", "given", "advice", "followed"),
        [
            ("MountainCar-v0", [[1], [2]], "actions[:, 0] of", lambda actions: actions[:, 0]),
            ("MountainCar-v0", [1.0, 2.0], "actions.astype(int) of", lambda actions: actions.astype(int)),
            (
                "MountainCar-v0",
                [[1.0], [2.0]],
                "actions[:, 0].astype(int) of",
                lambda actions: actions[:, 0].astype(int),
            ),
            ("MountainCar-v0", [[0, 1, 0], [0, 0, 1]], "actions.argmax(1) if", lambda actions: actions.argmax(1)),
            ("MountainCar-v0", [[0, 1.0, 0], [0, 0, 1]], "actions.argmax(1) if", lambda actions: actions.argmax(1)),
            (
                "Pendulum-v1",
                [0.5, 1.5],
                "np.reshape(actions, (-1, 1)).astype(float)",
                lambda actions: np.reshape(actions, (-1, 1)).astype(float),
            ),
            (
                "Pendulum-v1",
                [[1], [2]],
                "np.reshape(actions, (-1, 1)).astype(float)",
                lambda actions: np.reshape(actions, (-1, 1)).astype(float),
            ),
        ],
    )
    def test_what_an_error_advises_helps(self, name, given, advice, followed):
        environment, actions = make_environment(name, seed=0), np.array(given)
        seen = np.zeros((3, *environment.observation_space.shape))
        with pytest.raises(ValueError, match=re.escape(advice)):
            Demonstrations.from_arrays(name, [seen], [actions]).check_against(environment)
        Demonstrations.from_arrays(name, [seen], [followed(actions)]).check_against(environment)

    def test_of_actions_outside(self):
        shown = Demonstrations.from_arrays("MountainCar-v0", [np.zeros((4, 2))], [[0, 3, 2]])
        with pytest.raises(
            ValueError,
            match=r"1 of 3 actions of trajectory 0 lie outside Discrete\(3\), the first is 3 .*number them from 0",
        ):
            shown.check_against(make_environment("MountainCar-v0", seed=0))
        shown = Demonstrations.from_arrays("Pendulum-v1", [np.zeros((3, 3))], [[[0.0], [2.5]]])
        with pytest.raises(ValueError, match=r"lie outside Box.*the first is \[2.5\] at step 1; clip them"):
            shown.check_against(make_environment("Pendulum-v1", seed=0))

    def test_box_actions_of_another_precision_fit(self):
        """Double precision's 0.7 lies above the bound that a space in single precision makes of it."""
        environment = gymnasium.make("Pendulum-v1")
        environment.action_space = gymnasium.spaces.Box(-0.7, 0.7, (1,), np.float32)
        Demonstrations.from_arrays("Pendulum-v1", [np.zeros((2, 3))], [[[0.7]]]).check_against(environment)
        shown = Demonstrations.from_arrays("Pendulum-v1", [np.zeros((3, 3))], [np.array([[0.1], [-2.0]])])
        shown.check_against(make_environment("Pendulum-v1", seed=0))


class TestRecording:
    def test_episodes_are_whole_raw_and_repeatable(self):
        shown = record(pump, "MountainCar-v0", 3, seed=4)
        assert shown.sha256 == record(pump, "MountainCar-v0", 3, seed=4).sha256
        assert shown.sha256 != record(pump, "MountainCar-v0", 3, seed=5).sha256
        for episode, one in enumerate(shown.trajectories):
            environment = make_environment("MountainCar-v0", seed=4, purpose="demonstrations")
            bare = gymnasium.make("MountainCar-v0")
            observation, _ = bare.reset(seed=environment.episode_seed(episode))
            np.testing.assert_array_equal(one.observations[0], observation)
            for action, expected in zip(one.actions, one.observations[1:], strict=True):
                observation, _, terminated, truncated, _ = bare.step(action)
                np.testing.assert_array_equal(observation, expected)
            assert (terminated, truncated) == (one.terminated, one.truncated) == (True, False)

    def test_a_time_limit_is_no_end(self):
        one = record(push_left, "MountainCar-v0", 1, seed=0).trajectories[0]
        assert (one.terminated, one.truncated, len(one)) == (False, True, 200)

    def test_torchs_generator_is_seeded_for_the_policy_and_left_alone(self):
        def coin(observation):
            return int(torch.rand(()) < 0.5)

        before = torch.random.get_rng_state()
        first = record(coin, "CartPole-v1", 2, seed=0)
        assert torch.equal(torch.random.get_rng_state(), before)
        torch.manual_seed(99)
        assert record(coin, "CartPole-v1", 2, seed=0).sha256 == first.sha256

    def test_demonstrations_know_their_environment_by_its_registered_id(self):
        name = "tasks.gail.environments.fixed_horizon:minimax_l2l/FixedHorizonMountainCar-v0"
        assert record(pump, name, 1, seed=0).environment_id == "minimax_l2l/FixedHorizonMountainCar-v0"

    @pytest.mark.parametrize(
        ("name", "policy"),
        [
            ("CartPole-v1", lambda _: (0, None)),
            ("CartPole-v1", lambda _: None),
            ("CartPole-v1", lambda _: 2),
            ("CartPole-v1", lambda _: -1),
            ("CartPole-v1", lambda _: 1.0),
            ("CartPole-v1", lambda _: "1"),
            ("CartPole-v1", lambda _: [1]),
            ("CartPole-v1", lambda _: np.array([1])),
            ("CartPole-v1", lambda _: torch.tensor([0.3, 0.7], requires_grad=True)),
            ("Pendulum-v1", lambda _: 0.5),
            ("Pendulum-v1", lambda _: None),
            ("Pendulum-v1", lambda _: (0.5,)),
            ("Pendulum-v1", lambda _: (np.zeros(1), None)),
            ("Pendulum-v1", lambda _: np.zeros((1, 1))),
            ("Pendulum-v1", lambda _: [0.5, [0.5]]),
            ("Pendulum-v1", lambda _: np.array([np.nan])),
            ("Pendulum-v1", lambda _: np.array([2.5])),
            ("Pendulum-v1", lambda _: np.array([1j])),
            ("Pendulum-v1", lambda _: np.array(["a"])),
            ("Pendulum-v1", lambda _: torch.zeros(1, device="meta")),
            ("Pendulum-v1", lambda _: torch.zeros(1).to_sparse()),
        ],
    )
    def test_a_policy_must_give_actions(self, name, policy):
        with pytest.raises(ValueError, match=r"(?s)must give one action of .*, got .*predict\(observation\)\[0\]"):
            record(policy, name, 1, seed=0)

    @pytest.mark.parametrize(
        ("name", "given", "meant"),
        [
            ("CartPole-v1", np.bool_(True), 1),
            ("CartPole-v1", True, 1),
            ("CartPole-v1", np.uint8(1), 1),
            ("CartPole-v1", np.array(1), 1),
            ("CartPole-v1", torch.tensor(1), 1),
            ("Pendulum-v1", [0.5], [0.5]),
            ("Pendulum-v1", [1], [1.0]),
            ("Pendulum-v1", np.array([0.5]), [0.5]),
            ("Pendulum-v1", torch.tensor([0.5], requires_grad=True), [0.5]),
            ("Pendulum-v1", torch.tensor([0.5], dtype=torch.float64), [0.5]),
            ("Pendulum-v1", torch.tensor([0.5], dtype=torch.float16), [0.5]),
            ("Pendulum-v1", torch.tensor([0.5], dtype=torch.bfloat16), [0.5]),
            ("Pendulum-v1", np.array([2.0 + 1e-9]), [2.0 + 1e-9]),  # 2 in the box's single precision
        ],
    )
    def test_what_stands_for_an_action_is_one(self, name, given, meant):
        one = record(lambda _: given, name, 1, seed=0).trajectories[0]
        assert one.actions[0].tolist() == meant
        assert one.actions.dtype.kind == ("i" if name == "CartPole-v1" else "f")

    def test_a_reward_that_is_no_number_is_refused(self, monkeypatch):
        monkeypatch.setattr(MountainCarEnv, "step", lambda *_: (np.zeros(2), float("nan"), True, False, {}))
        spec = EnvSpec("mine/Car-v0", entry_point=MountainCarEnv, disable_env_checker=True)
        monkeypatch.setitem(gymnasium.registry, spec.id, spec)
        with pytest.raises(ValueError, match=r"mine/Car-v0: step\(\) must return a finite reward"):
            record(pump, spec.id, 1, seed=0)

    @pytest.mark.parametrize("model", [{}, None, "balance", np.zeros(2), torch.nn.Linear(4, 2)])
    def test_a_model_is_no_policy(self, model):
        with pytest.raises(
            TypeError, match=r"must be a function .*got \w+.*; .*argmax\(\); .*predict\(observation\)\[0\]"
        ):
            record(model, "MountainCar-v0", 1, seed=0)

    def test_no_episodes_are_refused(self):
        with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
            record(pump, "MountainCar-v0", 0, seed=0)


class TestHalves:
    def test_are_every_other_kept_step_and_those_between(self):
        one, other = numbered(6, 5).halves()
        assert one.pairs()[0][:, 0].tolist() == [0, 2, 4, 100, 102, 104]
        assert other.pairs()[0][:, 0].tolist() == [1, 3, 5, 101, 103]

    def test_of_what_is_sub_sampled_take_no_more_of_it(self):
        few = numbered(50, 47).subsample(10, seed=0)
        one, other = few.halves()
        together = torch.cat([one.pairs()[0], other.pairs()[0]])
        assert sorted(together[:, 0].tolist()) == few.pairs()[0][:, 0].tolist()

    def test_need_two_steps_of_each_trajectory(self):
        with pytest.raises(ValueError, match="keeps 1 of its steps, halves need 2"):
            numbered(20, 10).subsample(10, seed=0).halves()


@pytest.mark.parametrize("name", ["observations", "actions", "rewards"])
def test_masked_entries_have_no_values(name):
    parts = {"observations": np.zeros((4, 2)), "actions": np.zeros(3, int), "rewards": np.zeros(3)}
    Trajectory(**parts | {name: np.ma.array(parts[name])})
    with pytest.raises(
        ValueError, match=rf"{name} must be an array without masked entries, .*as \.filled\(0\) does"
    ):
        Trajectory(**parts | {name: np.ma.array(parts[name], mask=parts[name] == 0)})
