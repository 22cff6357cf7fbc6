"""The policy's side: what the discriminator may see, who pays, time limits, resumption, what is saved."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import TRPO, RecurrentPPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import LinearSchedule

from tasks.gail.environments.fixed_horizon import CARTPOLE, register
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.policy.learner import PolicyLearner

SMALL = PolicySettings(environments=3, steps=40, critic_batch=60, critic_epochs=2, hidden=(8,))


def learner(environment_id="CartPole-v1", settings=SMALL, **options):
    return PolicyLearner(environment_id, settings, **{"iterations": 5, "seed": 0, **options})


def weights(made):
    return torch.cat([p.detach().flatten() for p in made.model.policy.parameters()])


def play(made, iterations):
    for step in range(iterations):
        rollout = made.collect(step)
        made.train(-rollout.observations[:, -1].abs())
    return made


@pytest.mark.parametrize(
    ("environments", "steps", "critic_batch"), [(4, 60, 256), (8, 100, 256), (3, 7, 2), (2, 1, 256), (3, 40, 7)]
)
def test_a_rollout_need_not_be_a_multiple_of_the_critics_batch(environments, steps, critic_batch):
    """Warnings are errors here; Stable-Baselines3 would warn of its own argument's name."""
    settings = replace(SMALL, environments=environments, steps=steps, critic_batch=critic_batch)
    made = learner(settings=settings)
    before = weights(made)
    play(made, 1)
    assert not torch.equal(weights(made), before)


class Noisy(gymnasium.RewardWrapper):
    """Multiplies every reward by a random number."""

    def reward(self, reward):
        return float(reward) * float(np.random.default_rng().normal())


def test_a_rollout_holds_raw_observations_in_the_buffers_order():
    made = learner()
    rollout = made.collect(0)
    buffer = made.model.rollout_buffer
    assert rollout.observations.shape == (120, 4)
    assert rollout.actions.tolist() == buffer.actions.reshape(-1).astype(int).tolist()
    last = made.normaliser.normalize_obs(rollout.observations.numpy().reshape(40, 3, 4)[-1])
    assert np.allclose(buffer.observations[-1], last, atol=0.2)  # by statistics one step older
    assert not np.allclose(buffer.observations, rollout.observations.numpy().reshape(40, 3, 4))


def test_without_normalisation_both_see_the_same():
    made = learner(settings=replace(SMALL, normalise=False))
    rollout = made.collect(0)
    assert np.array_equal(made.model.rollout_buffer.observations, rollout.observations.numpy().reshape(40, 3, 4))


def test_actions_are_those_that_were_executed():
    made = learner("Pendulum-v1")
    rollout = made.collect(0)
    assert rollout.actions.shape == (120, 1)
    assert rollout.actions.abs().max() <= 2


def test_the_environments_own_reward_never_reaches_training():
    plain = play(learner(), 3)
    made = learner()
    for episodes in made.episodes.envs:
        episodes.env = Noisy(episodes.env)
    assert torch.equal(weights(play(made, 3)), weights(plain))


def test_pays_where_a_time_limit_cuts_off_what_the_critic_expects():
    """MountainCar is cut off after 200 steps, first episodes one after the other: gamma V(last observation)."""
    made = learner("MountainCar-v0", replace(SMALL, steps=210, critic_batch=630))
    made.collect(0)
    noted = list(made.recorder.cut_off)
    assert [place for place, _ in noted] == [(66, 0), (133, 1), (199, 2)]
    policy = made.model.policy
    with torch.no_grad():
        values = policy.predict_values(torch.from_numpy(np.stack([last for _, last in noted]))).flatten().numpy()
    made.train(torch.zeros(630))
    paid = made.model.rollout_buffer.rewards
    assert paid[[66, 133, 199], [0, 1, 2]] == pytest.approx(0.995 * values, rel=1e-5)
    assert np.count_nonzero(paid) == 3


def test_a_fall_is_an_end():
    made = learner(settings=replace(SMALL, steps=100))
    made.collect(0)
    made.train(torch.zeros(300))
    assert made.recorder.cut_off == []
    assert not made.model.rollout_buffer.rewards.any()


def test_the_entropy_bonus_is_minus_the_log_likelihood():
    made = learner(settings=replace(SMALL, scale_rewards=False))
    made.collect(0)
    likelihood = made.model.rollout_buffer.log_probs.copy()
    made.train(torch.zeros(120), entropy=0.5)
    assert made.model.rollout_buffer.rewards == pytest.approx(-0.5 * likelihood)


def test_rewards_are_scaled_and_the_scale_goes_on_where_a_run_does():
    made = learner()
    made.collect(0)
    rewards = torch.arange(120.0)
    made.train(rewards)
    first = made.scale.value
    torch.testing.assert_close(
        torch.from_numpy(made.model.rollout_buffer.rewards.flatten()), rewards / first, rtol=1e-4, atol=1e-6
    )
    made.collect(1)
    made.train(1000 * rewards)
    again = learner()
    again.load_state_dict(made.state_dict())
    assert again.scale.value == made.scale.value > 50 * first


@pytest.mark.parametrize(
    ("environment", "asked", "bootstraps"),
    [
        ("CartPole-v1", None, True),
        (CARTPOLE, None, False),
        ("Pendulum-v1", None, False),
        (CARTPOLE, True, True),
        ("CartPole-v1", False, False),
    ],
)
def test_a_limit_is_an_end_where_all_episodes_have_one_length(environment, asked, bootstraps):
    register()
    assert learner(environment, replace(SMALL, bootstrap_limits=asked)).bootstraps is bootstraps


def test_what_a_critic_expects_beyond_an_end_is_not_paid():
    made = learner("MountainCar-v0", replace(SMALL, steps=210, critic_batch=630, bootstrap_limits=False))
    made.collect(0)
    assert made.recorder.cut_off
    made.train(torch.zeros(630))
    assert not made.model.rollout_buffer.rewards.any()


def test_the_same_seed_gives_the_same_run_whatever_was_drawn_elsewhere():
    one = play(learner(), 2)
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(weights(play(learner(), 2)), weights(one))
    assert not torch.equal(weights(play(learner(seed=1), 2)), weights(one))


def test_draws_nothing_from_the_global_generators():
    torch.manual_seed(5)
    np.random.seed(5)
    wanted = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    play(learner(), 2)
    assert torch.equal(torch.rand(3), wanted[0])
    assert np.array_equal(np.random.rand(3), wanted[1])


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "MountainCar-v0", "Pendulum-v1"])
def test_goes_on_from_a_checkpoint_as_if_nothing_had_happened(environment_id, tmp_path):
    whole = play(learner(environment_id), 4)
    first = play(learner(environment_id), 2)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = learner(environment_id)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for step in (2, 3):
        second.train(-second.collect(step).observations[:, -1].abs())
    assert torch.equal(weights(second), weights(whole))


def test_a_schedule_sees_how_much_of_the_run_remains():
    seen = []

    def schedule(remaining):
        seen.append(remaining)
        return 1e-3

    play(learner(settings=replace(SMALL, critic_learning_rate=schedule)), 5)
    assert list(dict.fromkeys(seen)) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def test_a_trust_region_that_shrinks_to_nothing_holds_the_policy_where_it_is():
    made = learner(settings=replace(SMALL, target_kl=LinearSchedule(0.01, 0.0, 1.0)))
    regions, moved = [], []
    actor = made.model.policy.action_net.weight
    for step in range(5):
        before = actor.detach().clone()
        made.train(-made.collect(step).observations[:, -1].abs())
        regions.append(made.model.target_kl)
        moved.append(not torch.equal(actor, before))
    assert regions == pytest.approx([0.008, 0.006, 0.004, 0.002, 0.0])
    assert moved[0]
    assert not moved[-1]


def test_an_algorithm_of_ones_own_keeps_its_trust_region():
    def own(made):
        return TRPO("MlpPolicy", made, n_steps=20, batch_size=60, target_kl=0.05, device="cpu")

    assert play(learner(settings=replace(SMALL, algorithm=own)), 1).model.target_kl == 0.05


def test_a_callback_of_stable_baselines_is_called():
    class Counts(BaseCallback):
        steps = rollouts = 0

        def _on_step(self):
            self.steps += 1
            return True

        def _on_rollout_end(self):
            self.rollouts += 1

    counts = Counts()
    play(learner(callback=counts), 2)
    assert (counts.steps, counts.rollouts) == (80, 2)
    assert counts.num_timesteps == 240


@pytest.mark.parametrize("environment_id", ["MountainCar-v0", "Pendulum-v1"])
def test_the_saved_policy_is_plain_stable_baselines_and_takes_raw_observations(environment_id, tmp_path):
    made = play(learner(environment_id), 3)
    observations = made.collect(3).observations.numpy()
    made.save(tmp_path / "policy.zip")
    loaded = TRPO.load(tmp_path / "policy.zip", device="cpu")
    assert type(loaded.policy).__module__.startswith("stable_baselines3.")
    ours, theirs = made.act(observations), loaded.predict(observations, deterministic=True)[0]
    assert np.allclose(ours, theirs, atol=1e-4)
    with torch.no_grad():
        seen = torch.from_numpy(made.normaliser.normalize_obs(observations))
        value = made.model.policy.predict_values(seen)
        assert torch.allclose(loaded.policy.predict_values(torch.from_numpy(observations)), value, atol=1e-4)


class TestAlgorithms:
    """Any on-policy algorithm of Stable-Baselines3 learns here; what cannot is refused."""

    PPO = PolicySettings(
        environments=2,
        algorithm=lambda environments: PPO(
            "MlpPolicy", environments, n_steps=30, batch_size=30, n_epochs=2, device="cpu"
        ),
    )

    def test_ppo_learns_and_is_saved(self, tmp_path):
        made = learner(settings=self.PPO)
        before = weights(made)
        play(made, 2)
        assert made.steps == 60
        assert not torch.equal(before, weights(made))
        made.save(tmp_path / "policy.zip")
        seen = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
        again = PPO.load(tmp_path / "policy.zip", device="cpu")
        assert (again.predict(seen, deterministic=True)[0] == made.act(seen)).mean() > 0.95

    def test_it_goes_on_where_it_was(self):
        whole = play(learner(settings=self.PPO), 3)
        first, second = play(learner(settings=self.PPO), 2), learner(settings=self.PPO)
        second.load_state_dict(first.state_dict())
        second.train(-second.collect(2).observations[:, -1].abs())
        assert torch.equal(weights(whole), weights(second))

    @pytest.mark.parametrize(
        ("algorithm", "error", "words"),
        [
            (lambda e: DQN("MlpPolicy", e, device="cpu"), TypeError, "needs an on-policy algorithm.*got DQN"),
            (
                lambda e: PPO("MlpPolicy", e, policy_kwargs={"net_arch": []}, device="cpu"),
                ValueError,
                "folded into the first hidden layers.*normalise=False",
            ),
            (
                lambda _: PPO("MlpPolicy", "CartPole-v1", device="cpu"),
                ValueError,
                "environments of its own.*pass them",
            ),
            (lambda e: RecurrentPPO("MlpLstmPolicy", e, device="cpu"), TypeError, "memory.*got Recurrent"),
        ],
    )
    def test_others_are_refused(self, algorithm, error, words):
        with pytest.raises(error, match=words):
            learner(settings=PolicySettings(environments=1, algorithm=algorithm))

    @pytest.mark.parametrize(("part", "kind"), [(None, "Linear"), ("value_net", "ActorCriticPolicy")])
    def test_a_policy_without_a_value_network_is_refused(self, part, kind):
        def without(environments):
            made = PPO("MlpPolicy", environments, device="cpu")
            if part is None:
                made.policy = torch.nn.Linear(4, 2)
            else:
                setattr(made.policy, part, None)
            return made

        with pytest.raises(TypeError, match=rf"needs a value network.*got {kind}"):
            learner(settings=PolicySettings(environments=1, algorithm=without))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"steps": 0},
            {"critic_batch": 0},
            {"critic_epochs": 0},
            {"environments": 0},
            {"hidden": (0,)},
            {"gamma": 1.5},
            {"gamma": float("nan")},
            {"gae_lambda": 2.0},
            {"environments": 1, "steps": 1},
            {"target_kl": -1.0},
            {"damping": 0.0},
            {"critic_learning_rate": 0.0},
        ],
    )
    def test_settings_are_checked(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong)).rstrip("s").replace("_", "[_ ]")):
            PolicySettings(**wrong)

    @pytest.mark.parametrize("algorithm", [PPO, "PPO"])
    def test_an_algorithm_is_made_by_a_function(self, algorithm):
        with pytest.raises(TypeError, match=r"must be a function that makes a learner.*pass lambda environments"):
            PolicySettings(algorithm=algorithm)


class Stopping(BaseCallback):
    """Says stop after some steps."""

    ended = False

    def _on_step(self):
        return self.n_calls < 50

    def _on_training_end(self):
        self.ended = True


def test_a_callback_may_stop_the_run():
    stopping = Stopping()
    made = learner(callback=stopping)
    assert made.collect(0) is not None
    assert made.collect(1) is None
    made.end()
    assert stopping.ended
