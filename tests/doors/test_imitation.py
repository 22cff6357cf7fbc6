"""What imitates: the task, its settings, its discriminator, its experts."""

import shutil
from functools import cache

import numpy as np
import pytest
import torch
from doors import damages, wrong
from doors.door import Door, knock, knocked, knocks
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3.common.callbacks import BaseCallback

from tasks.gail import (
    GAIL,
    Controller,
    Demonstrations,
    Discriminator,
    EntropyBonus,
    Expert,
    GradientPenalty,
    ImitationProblem,
    Pairs,
    PolicySettings,
    Recipe,
    Regulariser,
    clone_behaviour,
    record,
    train_expert,
    variable_horizon,
)
from tasks.gail.environments.seeded_episodes import make_environment, make_environments
from tasks.gail.experts.scripted import balance
from tasks.gail.experts.trained import Normalization
from tasks.gail.problem import DiscriminatorMemory
from tasks.gail.rewards import REWARDS

SMALL = PolicySettings(environments=2, steps=4, critic_batch=8, hidden=(4,))
POSITIVE = wrong.not_a_number(lambda number: number > 0)
FRACTION = wrong.not_a_number(lambda number: 0 <= number <= 1)
SEED = wrong.not_a_count() | st.integers(min_value=2**32)
WIDTHS = st.sampled_from(
    ["64", b"64", 64, None, {64: 32}, {64}, 0.5, [0], [-1], [0.5], ["64"], [True], [None], [[64]]]
)
NAME = st.sampled_from([None, 3, b"CartPole-v1", "", "CartPole", "NoSuchWorld-v0", "no_module:World-v0", ":"])
ID = NAME | st.text(max_size=8)
SPACE = st.sampled_from(
    [None, 2, "Discrete(2)", spaces.Discrete, spaces.MultiBinary(2), spaces.Discrete(2, start=1)]
)
NO_DEVICE = st.sampled_from(["gpu", "", 3.5, [], object(), "cpu:x"])


@cache
def shown():
    return record(balance, "CartPole-v1", 1, seed=0)


@cache
def learner():
    return GAIL("CartPole-v1", shown(), reward="survival", policy=SMALL).learner


@cache
def discriminator():
    return Discriminator(*shown().pairs(), spaces.Discrete(2), (4,))


def pairs():
    return Pairs(discriminator().encode(*shown().pairs()))


def expert():
    return Expert("CartPole-v1", Recipe(policy=SMALL), learner().model)


def tensors_but(*right):
    """No tensor, or one of another shape, kind or content."""
    odd = [
        torch.zeros(()),
        torch.zeros(0, 4),
        torch.zeros(3, 4, 5),
        torch.zeros(2, 4, dtype=torch.complex64),
        *right,
    ]
    return st.sampled_from([*wrong.NOT_NUMBERS[:-2], np.zeros((3, 4)), *odd])


NO_PAIRS = wrong.not_a(Pairs)
DEMONSTRATED = wrong.not_a(Demonstrations)
OPTIONAL = DEMONSTRATED.filter(lambda value: value is not None)

DOORS = [
    Door(
        "GAIL",
        GAIL,
        lambda: {
            "environment_id": "CartPole-v1",
            "demonstrations": shown(),
            "reward": "survival",
            "policy": SMALL,
            "evaluation_episodes": 1,
        },
        {
            "environment_id": ID,
            "demonstrations": DEMONSTRATED,
            "reward": wrong.not_one_of(*REWARDS),
            "iterations": wrong.not_a_count(1),
            "policy": wrong.not_a(PolicySettings),
            "hidden": WIDTHS,
            "update_order": wrong.not_one_of("disc_first", "policy_first"),
            "entropy": wrong.not_a_number(lambda number: number >= 0),
            "absorbing": wrong.not_a_flag(),
            "regularisers": st.sampled_from(
                [GradientPenalty(), None, 3, "gp", [3], [GradientPenalty], (one for one in [Controller()])]
            ),
            "radius": POSITIVE.filter(lambda value: value is not None),
            "outside": wrong.not_a_number(lambda number: number >= 0),
            "held_out": OPTIONAL,
            "judged_by": OPTIONAL,
            "evaluation_episodes": wrong.not_a_count(1),
            "seed": SEED,
            "callback": wrong.not_a(BaseCallback).filter(lambda value: value is not None),
        },
        told_as={"environment_id": "environment"},
    ),
    Door(
        "PolicySettings",
        PolicySettings,
        dict,
        {
            **{name: wrong.not_a_count(1) for name in ("environments", "steps", "critic_epochs", "critic_batch")},
            "hidden": WIDTHS,
            "gamma": FRACTION,
            "gae_lambda": FRACTION,
            "target_kl": POSITIVE.filter(lambda value: not callable(value)),
            "damping": POSITIVE,
            "critic_learning_rate": POSITIVE.filter(lambda value: not callable(value)),
            "normalise": wrong.not_a_flag(),
            "scale_rewards": wrong.not_a_flag(),
            "bootstrap_limits": wrong.given(wrong.not_a_flag()),
            "algorithm": wrong.not_callable().filter(lambda value: value is not None),
        },
    ),
    *[
        Door(kind.__name__, kind, dict, {"coefficient": POSITIVE})
        for kind in (GradientPenalty, EntropyBonus, Controller)
    ],
    Door(
        "Discriminator",
        Discriminator,
        lambda: {
            "observations": torch.zeros(3, 4),
            "actions": torch.zeros(3, dtype=torch.int64),
            "action_space": spaces.Discrete(2),
        },
        {
            "observations": tensors_but(torch.zeros(2, 4), torch.full((3, 4), torch.nan), torch.zeros(3, 0)),
            "actions": tensors_but(
                torch.zeros(2).long(), torch.full((3,), 2), torch.full((3,), -1), torch.zeros(3, 1)
            ),
            "action_space": SPACE,
            "hidden": WIDTHS,
            "absorbing": wrong.not_a_flag(),
        },
    ),
    Door(
        "Pairs",
        Pairs,
        lambda: {"inputs": torch.zeros(3, 4), "weights": torch.ones(3)},
        {
            "inputs": tensors_but(torch.zeros(3), torch.zeros(2, 4)),
            "weights": tensors_but(torch.ones(2), torch.ones(3, 1)).filter(lambda value: value is not None),
        },
        told_as={"inputs": "weights"},
    ),
    Door(
        "ImitationProblem",
        ImitationProblem,
        lambda: {
            "discriminator": discriminator(),
            "memory": DiscriminatorMemory(discriminator().first_weights()),
            "policy": pairs(),
            "expert": pairs(),
        },
        {
            "discriminator": wrong.not_a(Discriminator),
            "memory": wrong.not_a(DiscriminatorMemory),
            "policy": NO_PAIRS,
            "expert": NO_PAIRS,
            "regularisers": st.sampled_from([GradientPenalty(), None, 3, "gp", [3], [Regulariser]]),
            "constraint": st.sampled_from([3, "free", GradientPenalty(), torch.zeros(1)]),
            "judged_by": NO_PAIRS.filter(lambda value: value is not None),
            "seed": SEED,
            "step": wrong.not_a_count(),
        },
    ),
    Door(
        "clone_behaviour",
        clone_behaviour,
        lambda: {"learner": learner(), "demonstrations": shown(), "epochs": 1, "batch_size": 500},
        {
            "learner": wrong.not_a(),
            "demonstrations": DEMONSTRATED | st.builds(lambda: record(lambda _: 0, "Acrobot-v1", 1, seed=0)),
            "epochs": wrong.not_a_count(1),
            "batch_size": wrong.not_a_count(1),
            "learning_rate": POSITIVE,
            "seed": SEED,
        },
    ),
    Door(
        "train_expert",
        train_expert,
        lambda: {"environment_id": "CartPole-v1", "seed": 0, "recipe": Recipe(steps=8, policy=SMALL)},
        {"environment_id": ID, "seed": SEED, "recipe": wrong.given(wrong.not_a(Recipe)), "device": NO_DEVICE},
        told_as={"environment_id": "environment"},
    ),
    Door(
        "Recipe",
        Recipe,
        dict,
        {
            "steps": wrong.not_a_count(1),
            "policy": wrong.not_a(PolicySettings)
            | st.builds(lambda: PolicySettings(target_kl=lambda _: 0.1))
            | st.builds(lambda: PolicySettings(algorithm=lambda made: made)),
        },
        told_as={"policy": "recipe"},
    ),
    Door(
        "Expert",
        Expert,
        lambda: {"environment_id": "CartPole-v1", "recipe": Recipe(), "model": learner().model},
        {
            "environment_id": st.sampled_from([None, 3, b"CartPole-v1", object()]),
            "recipe": wrong.not_a(Recipe),
            "model": wrong.not_a(),
            "normalization": wrong.not_a(Normalization).filter(lambda value: value is not None),
        },
    ),
    Door(
        "Expert.save", lambda folder: expert().save(folder), dict, {"folder": st.sampled_from([None, 3, [], b"x"])}
    ),
    Door(
        "Expert.load",
        Expert.load,
        dict,
        {"folder": st.sampled_from([None, 3, [], b"x", "nowhere", "", __file__])},
        told_as={"folder": "holds no whole expert"},
    ),
    Door(
        "variable_horizon",
        variable_horizon,
        lambda: {"environment": make_environment("CartPole-v1", seed=0)},
        {
            "environment": wrong.not_a(),
        },
    ),
    Door(
        "make_environments",
        make_environments,
        lambda: {"environment_id": "CartPole-v1", "count": 1, "seed": 0},
        {
            "environment_id": ID,
            "count": wrong.not_a_count(1),
            "seed": SEED,
            "purpose": wrong.not_one_of("training", "evaluation", "demonstrations"),
        },
        told_as={"environment_id": "environment"},
    ),
]


@pytest.mark.parametrize(("door", "argument"), knocks(*DOORS), ids=str)
@given(data=st.data())
def test_wrong_values_are_refused(door, argument, data):
    knock(door, argument, data.draw(door.wrong[argument]))


@pytest.mark.parametrize("door", [door for door in DOORS if not door.name.startswith("Expert.")], ids=str)
def test_right_values_are_taken(door):
    door.open(**door.right())


@pytest.mark.parametrize("name", ["policy.zip", "expert.json"])
@given(damage=damages.DAMAGES)
def test_a_damaged_expert_is_refused(name, damage, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "expert"
    if not folder.exists():
        expert().save(folder)
    damaged = folder.with_name("damaged")
    shutil.copytree(folder, damaged)
    try:
        damage(damaged / name)
        knocked["Expert.load of damaged files"] = knocked.get("Expert.load of damaged files", 0) + 1
        with pytest.raises(ValueError, match="holds no whole expert"):
            Expert.load(damaged)
    finally:
        shutil.rmtree(damaged)
    assert Expert.load(folder).recipe.policy == SMALL
