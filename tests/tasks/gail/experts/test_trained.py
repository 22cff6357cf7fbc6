"""Experts by TRPO: the mechanics at a small budget; their returns are measured when they are trained."""

import json
import pickle
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from folders import files
from sb3_contrib import TRPO

from tasks.gail.demonstrations.recording import record
from tasks.gail.environments.seeded_episodes import make_environments
from tasks.gail.experts.trained import FILES, RECIPES, ZOO, Expert, Recipe, train_expert
from tasks.gail.seals import seal

TINY = Recipe(256, replace(ZOO, steps=64, critic_batch=64, critic_epochs=1, hidden=(8,)))
NAMES = ["CartPole-v1", "MountainCar-v0", "Pendulum-v1"]


@pytest.fixture(scope="module")
def experts():
    return {name: train_expert(name, seed=0, recipe=TINY) for name in NAMES}


def observations(name, count=50):
    environments = make_environments(name, 1, seed=9)
    return np.random.default_rng(0).normal(size=(count, *environments.observation_space.shape)).astype(np.float32)


class TestTraining:
    def test_recipes_fit_their_rollouts(self):
        assert set(RECIPES) == {"CartPole-v1", "MountainCar-v0", "Acrobot-v1"}
        for recipe in RECIPES.values():
            assert recipe.policy.steps * recipe.policy.environments % recipe.policy.critic_batch == 0

    def test_it_repeats_by_seed_and_moves_no_global_generator(self, experts):
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()
        again = train_expert("CartPole-v1", seed=0, recipe=TINY)
        assert random.getstate() == before[0]
        assert np.random.get_state()[1].tolist() == before[1]
        assert torch.equal(torch.random.get_rng_state(), before[2])
        other = train_expert("CartPole-v1", seed=1, recipe=TINY)
        for value, same, different in zip(
            *(one.model.policy.parameters() for one in (experts["CartPole-v1"], again, other)), strict=True
        ):
            assert torch.equal(value, same)
            assert value.numel() == 1 or not torch.equal(value, different)

    @pytest.mark.parametrize("name", ["target_kl", "critic_learning_rate", "algorithm"])
    def test_a_recipe_that_is_no_numbers_is_refused(self, name):
        with pytest.raises(ValueError, match=f"TRPO with plain numbers, got a function for {name}; leave it out"):
            Recipe(policy=replace(ZOO, **{name: lambda _: 0.1}))

    def test_an_environment_without_a_recipe_is_refused(self):
        with pytest.raises(ValueError, match="there is no recipe for Pendulum-v1, only for"):
            train_expert("Pendulum-v1", seed=0)

    def test_a_longer_training_beats_a_random_policy(self):
        recipe = replace(RECIPES["CartPole-v1"], steps=5 * 1024)
        expert = train_expert("CartPole-v1", seed=0, recipe=recipe)
        assert record(expert, "CartPole-v1", 5, seed=0).returns.mean() > 60  # a random one has about 22


class TestActing:
    @pytest.mark.parametrize("name", NAMES)
    def test_raw_observations_are_normalised_as_in_training(self, experts, name):
        raw = 5 * observations(name)
        in_training = experts[name].model.get_vec_normalize_env().normalize_obs(raw)
        np.testing.assert_array_equal(experts[name].normalization(raw), in_training)
        assert experts[name].normalization(raw).dtype == in_training.dtype

    @pytest.mark.parametrize("name", NAMES)
    def test_one_at_a_time_is_as_all_at_once(self, experts, name):
        raw = observations(name)
        one_by_one = np.array([experts[name](observation) for observation in raw])
        np.testing.assert_allclose(one_by_one, experts[name](raw), rtol=1e-5, atol=1e-6)


class TestFiles:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("normalize", [True, False])
    def test_what_is_loaded_acts_the_same(self, experts, tmp_path, name, normalize):
        expert = experts[name]
        if not normalize:
            expert = train_expert(name, seed=0, recipe=replace(TINY, policy=replace(TINY.policy, normalise=False)))
        expert.save(tmp_path)
        loaded = Expert.load(tmp_path)
        np.testing.assert_array_equal(loaded(observations(name)), expert(observations(name)))
        assert (loaded.recipe, loaded.normalization) == (expert.recipe, expert.normalization)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checksums.json", "expert.json", "policy.zip"]

    def test_nothing_is_replaced_unasked(self, experts, tmp_path):
        expert, other = (experts[name] for name in ("CartPole-v1", "MountainCar-v0"))
        expert.save(tmp_path)
        before = files(tmp_path)
        with pytest.raises(ValueError, match=r"holds policy\.zip and expert\.json already; pass overwrite=True"):
            other.save(tmp_path)
        assert files(tmp_path) == before
        other.save(tmp_path, overwrite=True)
        assert Expert.load(tmp_path).environment_id == "MountainCar-v0"

    def test_that_of_a_run_is_never_replaced(self, experts, tmp_path):
        for name in ("config.json", "policy.zip"):
            (tmp_path / name).write_text("{}")
        for overwrite in (False, True):
            with pytest.raises(ValueError, match="holds a run, whose policy would be replaced"):
                experts["CartPole-v1"].save(tmp_path, overwrite=overwrite)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "policy.zip"]

    def test_plain_sb3_loads_the_zip(self, experts, tmp_path):
        expert = experts["MountainCar-v0"]
        expert.save(tmp_path)
        plain, raw = TRPO.load(tmp_path / "policy.zip"), observations("MountainCar-v0")
        np.testing.assert_array_equal(plain.predict(expert.normalization(raw), deterministic=True)[0], expert(raw))

    def test_loading_unpickles_nothing_of_the_file(self, experts, tmp_path, monkeypatch):
        experts["CartPole-v1"].save(tmp_path)

        def refuse(*arguments, **options):
            raise AssertionError("something was unpickled")

        monkeypatch.setattr(pickle, "loads", refuse)
        monkeypatch.setattr("stable_baselines3.common.save_util.cloudpickle.loads", refuse)
        with pytest.raises(AssertionError, match="unpickled"):
            TRPO.load(tmp_path / "policy.zip")
        Expert.load(tmp_path)

    @pytest.mark.parametrize("file", ["expert.json", "policy.zip"])
    @pytest.mark.parametrize("damage", ["cut", "gone"])
    def test_damaged_files_are_refused(self, experts, tmp_path, file, damage):
        experts["CartPole-v1"].save(tmp_path)
        content = (tmp_path / file).read_bytes()
        (tmp_path / file).unlink()
        if damage == "cut":
            (tmp_path / file).write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match=r"(?s)holds no whole expert .*train and save it again"):
            Expert.load(tmp_path)

    def test_weights_that_do_not_fit_are_refused(self, experts, tmp_path):
        experts["CartPole-v1"].save(tmp_path)
        rest = json.loads((tmp_path / "expert.json").read_text())
        rest["policy"]["hidden"] = [16]
        (tmp_path / "expert.json").write_text(json.dumps(rest))
        seal(tmp_path, FILES)
        with pytest.raises(ValueError, match=r"(?s)holds no whole expert .*size mismatch"):
            Expert.load(tmp_path)

    def test_a_file_that_names_a_module_is_refused(self, experts, tmp_path):
        experts["CartPole-v1"].save(tmp_path)
        file = tmp_path / "expert.json"
        file.write_text(file.read_text().replace("CartPole-v1", "antigravity:CartPole-v1"))
        seal(tmp_path, FILES)
        with pytest.raises(ValueError, match="it names a module to import, 'antigravity:CartPole-v1'"):
            Expert.load(tmp_path)
        assert "antigravity" not in sys.modules
