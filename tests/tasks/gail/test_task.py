"""The task: its order of events, its refusals, its resumption, and that it imitates."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from demonstrators import pump
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.envs.registration import EnvSpec
from sb3_contrib import TRPO
from stable_baselines3.common.callbacks import BaseCallback

from minimax_l2l import FGSM, PGM, Adam, ExtraGradient, GradientAscent, LearnedOptimizer, MLPUpdater, Status
from tasks.gail import GAIL, Controller, Demonstrations, NoiseOfSameNorm, PolicySettings, clone_behaviour, record
from tasks.gail.environments.fixed_horizon import CARTPOLE
from tasks.gail.experts.scripted import balance, push_left

SMALL = PolicySettings(environments=4, steps=32, critic_batch=64, critic_epochs=2, hidden=(8,))
EXPERT = record(balance, "CartPole-v1", 2, seed=0)


def task(demonstrations=EXPERT, **options):
    settings = {"reward": "survival", "iterations": 4, "policy": SMALL, "hidden": (6,), "evaluation_episodes": 3}
    return GAIL("CartPole-v1", demonstrations, **(settings | options))


def state(made):
    policy = made.learner.model.policy.parameters()
    return torch.cat([made.memory.weights.flatten(), *(p.detach().flatten() for p in policy)])


def learned(**options):
    torch.manual_seed(0)
    return LearnedOptimizer(MLPUpdater(hidden=(4,)), **options)


OPTIMIZERS = {
    "Adam": lambda: Adam(lr=1e-2),
    "extragradient": lambda: ExtraGradient(steps=1, step_size=0.1),
    "learned": learned,
    "two learned steps": lambda: learned(steps=2),
    "noise": lambda: NoiseOfSameNorm(MLPUpdater(hidden=(4,))),
}


class TestTheGame:
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_every_optimizer_plays_it(self, name):
        made = task()
        before = state(made)
        solution = made.solve(OPTIMIZERS[name](), device="cpu", log_every=1)
        assert solution.status is Status.COMPLETED
        assert solution.theta is None
        assert len(solution.history) == 4
        assert not torch.equal(state(made), before)

    def test_no_steps_leave_the_discriminator_alone(self):
        made = task()
        before = made.memory.weights.clone()
        made.solve(GradientAscent(steps=0), device="cpu")
        assert torch.equal(made.memory.weights, before)

    @pytest.mark.parametrize(
        "optimizer",
        [PGM(steps=1, step_size=0.01), FGSM(step_size=0.01, random_start=0.5), learned(random_start=1.0)],
    )
    def test_a_random_start_is_told_once(self, optimizer):
        with pytest.warns(UserWarning, match=r"y lives on .* pass random_start=0\.0") as said:
            task().solve(optimizer, device="cpu")
        assert len(said) == 1
        optimizer.random_start = 0.0
        made = task()
        first = made.memory.weights.norm()
        made.solve(optimizer, device="cpu")
        assert made.memory.weights.norm() < 2 * first  # random starts would have added more than that

    def test_passes(self):
        """One query for the optimizer; a learned one also differentiates its own objective."""
        adam = task().solve(Adam(lr=1e-2), device="cpu").passes
        phi = task().solve(learned(), device="cpu").passes
        assert (adam.forward, adam.input_gradient, adam.weight_gradient) == (8, 4, 0)
        assert (phi.forward, phi.input_gradient, phi.weight_gradient) == (8, 8, 0)

    def test_the_paper_pays_by_the_new_discriminator_and_ho_and_ermon_by_the_old(self, monkeypatch):
        for order in ("disc_first", "policy_first"):
            made = task(update_order=order, iterations=1)
            first = made.memory.weights.clone()
            seen = []
            monkeypatch.setattr(made.learner, "train", lambda rewards, entropy, seen=seen: seen.append(rewards))
            made.solve(Adam(lr=1e-2), device="cpu")
            (paid,) = seen
            pairs = made.discriminator.encode(made.rollout.observations, made.rollout.actions)
            weights = first if order == "policy_first" else made.memory.weights
            assert torch.equal(paid, made.reward(made.discriminator(weights[0], pairs)))
            assert not torch.equal(first, made.memory.weights)

    def test_phi_ascends_the_objective(self):
        """With the policy held still, the objective after the learned step rises from iteration to iteration."""
        made = task(policy=replace(SMALL, target_kl=1e-9, critic_epochs=1), iterations=30)
        history = made.solve(learned(max_relative_step=0.1), device="cpu", log_every=1).history
        assert np.mean([row["objective"] for row in history[-5:]]) > history[0]["objective"] + 0.05

    def test_the_environments_reward_is_not_used(self):
        class Noisy(gymnasium.RewardWrapper):
            def reward(self, reward):
                return float(reward) * float(np.random.default_rng().normal())

        plain, made = task(), task()
        for episodes in made.learner.episodes.envs:
            episodes.env = Noisy(episodes.env)
        for one in (plain, made):
            one.solve(learned(), device="cpu")
        assert torch.equal(state(plain), state(made))

    def test_regularisers_and_entropy_change_the_run(self):
        plain, calmed, mixed = task(), task(regularisers=(Controller(1.0),)), task(entropy=0.1)
        for one in (plain, calmed, mixed):
            one.solve(Adam(lr=1e-2), device="cpu")
        assert not torch.equal(plain.memory.weights, calmed.memory.weights)
        assert not torch.equal(state(plain), state(mixed))

    def test_a_learned_optimizer_may_be_judged_by_pairs_that_the_discriminator_never_sees(self):
        train, other = EXPERT.split(1)
        runs = {}
        for name, judges in (("own", None), ("same", train), ("other", other)):
            made = task(train, judged_by=judges)
            made.solve(learned(), device="cpu", log_every=1)
            runs[name] = made.memory.weights
        assert torch.equal(runs["own"], runs["same"])
        assert not torch.equal(runs["own"], runs["other"])

    def test_the_weights_may_be_kept_in_a_ball(self):
        made = task(radius=1.1)
        first = made.memory.weights.norm().item()
        made.solve(Adam(lr=0.5), device="cpu")
        assert made.memory.weights.norm().item() == pytest.approx(1.1 * first)
        assert task().constraint.eps == pytest.approx(2 * first)
        free = task(radius=None)
        free.solve(Adam(lr=0.5), device="cpu")
        assert free.memory.weights.norm().item() > 2 * first

    def test_a_ball_leaves_the_length_of_a_step_to_the_optimizer(self):
        free, held = (task(radius=radius).constraint for radius in (None, 9.0))
        update = torch.randn(1, 5)
        assert torch.equal(free.squash(update), held.squash(update))
        assert held.project(1e6 * update).norm().item() == pytest.approx(held.eps)

    def test_noise_stays_in_the_ball(self):
        made = task(radius=1.01)
        noise = NoiseOfSameNorm(MLPUpdater(), learning_rate=0.1)
        made.solve(noise, device="cpu")
        assert made.constraint.violation(made.memory.weights).item() < 1e-5

    def test_one_that_has_been_played_is_not_played_again(self):
        made = task()
        made.solve(Adam(), device="cpu")
        with pytest.raises(ValueError, match=r"has been played.*make a new one"):
            made.solve(Adam(), device="cpu")

    def test_a_callback_that_says_stop_ends_the_run(self):
        class Stop(BaseCallback):
            def _on_step(self):
                return False

        with pytest.warns(UserWarning, match="the run took 0 steps.*or a callback stopped the first rollout"):
            assert task(callback=Stop()).solve(Adam(), device="cpu").steps == 0

    def test_judges_see_the_absorbing_state_too(self):
        made = task(judged_by=EXPERT, absorbing=True, reward=None)
        problem = made.inner_problem(made.learner.collect(0))
        weights = made.memory.weights
        assert torch.equal(problem.meta_objective(weights), problem.objective(weights))
        assert task().inner_problem(task().learner.collect(0)).meta_objective(weights) is None

    def test_continuous_actions(self):
        def swing(observation):
            return np.array([np.sign(observation[2])], dtype=np.float32)

        shown = record(swing, "Pendulum-v1", 1, seed=0)
        made = GAIL("Pendulum-v1", shown, iterations=2, policy=SMALL, hidden=(6,), evaluation_episodes=1)
        assert made.solve(learned(), device="cpu").status is Status.COMPLETED

    def test_validation_is_the_environments_own_return_on_the_same_episodes(self):
        made = task()
        first = made.validate(learned())
        assert made.validate(learned()) == first
        made.learner.act = lambda observations: np.array([balance(one) for one in observations])
        assert made.validate(learned()) == {"return_mean": 500.0}


class TestResumption:
    @pytest.mark.parametrize("name", ["Adam", "learned"])
    @pytest.mark.parametrize("order", ["disc_first", "policy_first"])
    def test_is_bit_identical(self, name, order, tmp_path):
        whole = task(update_order=order)
        expected = whole.solve(OPTIMIZERS[name](), device="cpu", log_every=1)
        options = {"device": "cpu", "log_every": 1, "out": tmp_path / "run"}
        task(update_order=order).solve(OPTIMIZERS[name](), steps=2, **options)
        made = task(update_order=order)
        resumed = made.solve(OPTIMIZERS[name](), resume=True, **options)
        assert torch.equal(state(made), state(whole))
        assert [row["objective"] for row in resumed.history] == [row["objective"] for row in expected.history]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"reward": "neutral"}, r"was run with task\.reward='tasks\.gail\.rewards\.survival', not '.*neutral'"),
            ({"hidden": (5,)}, r"its hidden was \[6\] and is \[5\] here"),
            ({"radius": None}, "its radius was 2.0 and is None here"),
            ({"outside": 0.0}, "its outside was 3.0 and is 0.0 here"),
            ({"policy": replace(SMALL, gamma=0.5)}, "its policy was"),
            (
                {"regularisers": (Controller(2.0),)},
                r"was run with task\.regularisers=\[\], not \[Controller\(coefficient=2\.0\)\]",
            ),
            ({"demonstrations": record(balance, "CartPole-v1", 1, seed=1)}, "its demonstrations was"),
        ],
    )
    def test_goes_on_with_the_game_that_was_begun_alone(self, options, words, tmp_path):
        task().solve(Adam(lr=1e-2), device="cpu", out=tmp_path / "run", steps=1)
        with pytest.raises(ValueError, match=words):
            task(**options).solve(Adam(lr=1e-2), device="cpu", out=tmp_path / "run", resume=True)

    def test_numbers_of_numpy_are_numbers(self, tmp_path):
        options = {
            "radius": np.float64(2.0),
            "entropy": np.float64(0.01),
            "policy": replace(SMALL, gamma=np.float64(0.9)),
        }
        task(**options).solve(Adam(lr=1e-2), device="cpu", out=tmp_path, steps=1)
        assert task(**options).solve(Adam(lr=1e-2), device="cpu", out=tmp_path, resume=True).steps == 4

    def test_terms_that_are_alike_are_the_same_game(self, tmp_path):
        begun, resumed = (task(regularisers=(Controller(),)) for _ in range(2))
        begun.solve(Adam(lr=1e-2), device="cpu", out=tmp_path, steps=2)
        assert resumed.solve(Adam(lr=1e-2), device="cpu", out=tmp_path, resume=True).steps == 4

    def test_leaves_a_policy_that_plain_stable_baselines_loads(self, tmp_path):
        made = task()
        made.solve(Adam(lr=1e-2), device="cpu", out=tmp_path / "run")
        loaded = TRPO.load(tmp_path / "run" / "policy.zip", device="cpu")
        observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32) / 10
        assert np.array_equal(loaded.predict(observations, deterministic=True)[0], made.learner.act(observations))


class TestRefusals:
    def test_a_reward_must_be_named_where_episodes_may_end_early(self):
        with pytest.raises(ValueError, match=r'CartPole-v1 may end early.*name one: reward="survival"'):
            task(reward=None)

    def test_a_fixed_horizon_needs_no_name(self):
        shown = record(balance, CARTPOLE, 1, seed=0)
        made = GAIL(CARTPOLE, shown, iterations=1, policy=SMALL, evaluation_episodes=1)
        assert made.reward(torch.tensor([2.0])).item() == -2.0

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"reward": "live long"}, "reward"),
            ({"update_order": "both"}, "update_order"),
            ({"iterations": 0}, "iterations"),
            ({"evaluation_episodes": 0}, "evaluation_episodes"),
            ({"entropy": -1.0}, "entropy"),
            ({"radius": 0.0}, "radius"),
        ],
    )
    def test_options(self, options, words):
        with pytest.raises(ValueError, match=words):
            task(**options)

    def test_demonstrations_of_another_environment(self):
        with pytest.raises(ValueError, match="are of MountainCar-v0, the environment is CartPole-v1"):
            task(record(pump, "MountainCar-v0", 1, seed=0))

    def test_demonstrations_with_another_action_space(self):
        shown = Demonstrations.from_arrays("CartPole-v1", [np.zeros((3, 4))], [np.zeros((2, 1))])
        with pytest.raises(ValueError, match="action space is Discrete"):
            task(shown)

    def test_observations_that_are_not_numbers(self, monkeypatch):
        monkeypatch.setattr(CartPoleEnv, "step", lambda *_: (np.full(4, np.nan), 1.0, False, False, {}))
        spec = EnvSpec("mine/Pole-v0", entry_point=CartPoleEnv, disable_env_checker=True)
        monkeypatch.setitem(gymnasium.registry, spec.id, spec)
        shown = replace(EXPERT, environment_id=spec.id)
        made = GAIL(spec.id, shown, reward="survival", policy=SMALL, evaluation_episodes=1)
        with pytest.raises(
            ValueError, match="mine/Pole-v0 gave an observation that is NaN or infinite in float32 after 1 act"
        ):
            made.solve(Adam(), device="cpu")

    def test_returns_that_are_not_numbers(self, monkeypatch):
        monkeypatch.setattr(CartPoleEnv, "step", lambda *_: (np.zeros(4), np.inf, True, False, {}))
        spec = EnvSpec("mine/Pole-v0", entry_point=CartPoleEnv, disable_env_checker=True)
        monkeypatch.setitem(gymnasium.registry, spec.id, spec)
        shown = replace(EXPERT, environment_id=spec.id)
        made = GAIL(spec.id, shown, reward="survival", policy=SMALL, evaluation_episodes=1)
        with pytest.raises(ValueError, match=r"mine/Pole-v0: step\(\) must return a finite reward"):
            made.validate(Adam())

    def test_something_else_than_demonstrations(self):
        with pytest.raises(TypeError, match=r"demonstrations must be Demonstrations, got list.*from_arrays"):
            task([np.zeros((3, 4))])

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"held_out": [1]}, "held_out must be Demonstrations, got list"),
            ({"judged_by": [1]}, "judged_by must be Demonstrations, got list"),
            ({"policy": "MlpPolicy"}, "policy must be PolicySettings, got str"),
            ({"callback": 3}, "callback must be a BaseCallback of Stable-Baselines3, got int"),
            ({"regularisers": Controller()}, "regularisers must be a list, got Controller"),
            ({"regularisers": (0.1,)}, "each of regularisers must be a Regulariser, got float"),
            ({"hidden": 64}, "hidden must be a sequence of widths, got int 64"),
            ({"reward": torch.neg}, "reward must be a name, got builtin"),
        ],
    )
    def test_options_of_another_kind(self, options, words):
        with pytest.raises(TypeError, match=words):
            task(**options)

    def test_an_environment_that_says_its_episodes_have_one_length_and_ends_them(self):
        class Liar(CartPoleEnv):
            metadata = CartPoleEnv.metadata | {"fixed_horizon": True}

        gymnasium.register("Liar-v0", entry_point=Liar, max_episode_steps=500)
        try:
            shown = Demonstrations.from_arrays("Liar-v0", [np.zeros((3, 4))], [np.zeros(2, dtype=int)])
            made = GAIL("Liar-v0", shown, iterations=1, policy=SMALL, evaluation_episodes=1)
            with pytest.raises(ValueError, match=r"have one length, and one ended after \d+ steps; leave fixed"):
                made.solve(Adam(), device="cpu")
        finally:
            del gymnasium.registry["Liar-v0"]


class TestControls:
    def test_noise_is_as_long_as_the_learned_step_and_goes_elsewhere(self):
        made = task()
        problem = made.inner_problem(made.learner.collect(0))
        torch.manual_seed(0)
        noisy, plain = NoiseOfSameNorm(MLPUpdater(hidden=(4,))), learned()
        for one in (noisy, plain):
            torch.nn.init.constant_(one.updater.head.bias, 0.1)
        start = problem.initial()
        step, other = plain.maximize(problem).y - start, noisy.maximize(problem).y - start
        assert other.norm().item() == pytest.approx(step.norm().item(), rel=1e-4)
        assert torch.nn.functional.cosine_similarity(step, other).abs() < 0.5

    def test_cloning_takes_the_experts_actions(self):
        made = task(policy=replace(SMALL, hidden=(32,))).learner
        first = clone_behaviour(made, EXPERT, epochs=1)
        assert clone_behaviour(made, EXPERT, epochs=60) > first
        observations, actions = EXPERT.pairs()
        assert (made.act(observations.numpy()) == actions.numpy()).mean() > 0.9

    def test_cloning_refuses_demonstrations_of_another_environment(self):
        with pytest.raises(ValueError, match="are of MountainCar-v0, the environment is CartPole-v1"):
            clone_behaviour(task().learner, record(pump, "MountainCar-v0", 1, seed=0))

    def test_a_reward_that_is_constant_learns_without_any_expert(self):
        plain = replace(SMALL, scale_rewards=False)
        made = task(record(push_left, "CartPole-v1", 1, seed=0), reward="plus-one", policy=plain)
        (last,) = made.solve(GradientAscent(steps=0), device="cpu").history  # the last step is always there
        assert (last["step"], last["reward_mean"]) == (4, 1.0)
        assert made.learner.model.rollout_buffer.rewards.max() == 1
