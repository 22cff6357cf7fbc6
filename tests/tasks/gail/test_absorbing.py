"""Absorbing states: their weight, their pay, and that they take the sign's secret away."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from minimax_l2l import Adam
from tasks.gail import GAIL, Demonstrations, PolicySettings, record
from tasks.gail.absorbing import steps_absorbed, still_to_come
from tasks.gail.experts.scripted import balance

SMALL = PolicySettings(environments=2, steps=64, critic_batch=64, critic_epochs=1, hidden=(8,))
EXPERT = record(balance, "CartPole-v1", 1, seed=0)


def task(**options):
    settings = {"iterations": 3, "policy": SMALL, "hidden": (6,), "evaluation_episodes": 1, "absorbing": True}
    return GAIL("CartPole-v1", EXPERT, **(settings | options))


def test_what_is_still_to_come_by_hand():
    """0.5 * 2 + 0.25 * 2 + 0.125 * 2 + ... without end; without a discount, three steps of 2."""
    steps = torch.tensor([3, 0])
    assert still_to_come(torch.tensor([2.0]), steps, 0.5).tolist() == [2.0, 2.0]
    assert still_to_come(torch.tensor([2.0]), steps, 1.0).tolist() == [6.0, 0.0]


@pytest.mark.parametrize("name", ["plus-one", "minus-one"])
def test_a_constant_reward_makes_ending_worth_what_living_is(name):
    """To live for ever is worth r / (1 - gamma); so must be the step that ends, whenever it comes."""
    made = task(reward=name)
    rollout = made.learner.collect(0)
    assert len(rollout.ends.unique()) > 2
    paid = made._pay(rollout, made.memory.weights[0])[rollout.ends]
    sign = 1 if name == "plus-one" else -1
    assert torch.allclose(paid, torch.full_like(paid, sign / (1 - 0.995)), rtol=1e-4)


def test_the_experts_ended_episodes_weigh_what_they_missed():
    """One ended after 2 of 10 steps, one was cut off: 8 steps. Half of the steps kept: 4."""
    shown = Demonstrations.from_arrays(
        "CartPole-v1",
        [np.zeros((3, 4)), np.zeros((3, 4))],
        [np.zeros(2, dtype=int), np.zeros(2, dtype=int)],
        terminated=[True, False],
        truncated=[False, True],
    )
    assert steps_absorbed(shown, 10) == 8
    assert steps_absorbed(shown.subsample(2, seed=0), 10) == 4


def test_the_policys_ended_episodes_are_seen_as_one_pair_that_weighs_them_all():
    made = task()
    rollout = made.learner.collect(0)
    assert len(rollout.ends) > 2
    problem = made.inner_problem(rollout)
    assert len(problem.policy) == 129
    assert problem.policy.inputs[-1].tolist() == [0.0] * 6 + [1.0]
    assert problem.policy.inputs[:-1, -1].eq(0).all()
    assert problem.policy.weights[-1] == (500 - rollout.lengths).sum()
    assert problem.expert.weights[-1] == 0  # the expert never falls


def test_lengths_count_from_the_last_reset_through_rollouts_and_checkpoints():
    made = task()
    lengths = [made.learner.collect(step).lengths for step in range(3)]
    again = task()
    first = again.learner.collect(0).lengths
    other = task()
    other.learner.load_state_dict(again.learner.state_dict())
    resumed = [first, other.learner.collect(1).lengths, other.learner.collect(2).lengths]
    assert all(torch.equal(one, two) for one, two in zip(lengths, resumed, strict=True))
    ends = made.learner.episodes.get_attr("episodes")
    assert sum(map(len, lengths)) == sum(ends) - 2  # two episodes are still running


def test_falling_is_paid_by_the_absorbing_state():
    made = task()
    rollout = made.learner.collect(0)
    paid = made._pay(rollout, made.memory.weights[0])
    weights, network = made.memory.weights[0], made.discriminator
    bare = made.reward(network(weights, network.encode(rollout.observations, rollout.actions)))
    resting = made.reward(network(weights, network.absorbed()))
    difference = paid - bare
    wanted = still_to_come(resting, 500 - rollout.lengths, 0.995)
    assert torch.allclose(difference[rollout.ends], wanted, rtol=1e-4)
    assert difference.count_nonzero() == len(rollout.ends)


def test_the_discriminator_learns_that_the_expert_does_not_fall():
    made = task(iterations=30)
    made.solve(Adam(lr=1e-2), device="cpu")
    assert made.discriminator(made.memory.weights[0], made.discriminator.absorbed()).item() > 0


def test_no_reward_need_be_named():
    assert task(reward=None).reward(torch.tensor([1.0])).item() == -1.0


def test_resumes_bit_for_bit(tmp_path):
    whole = task()
    whole.solve(Adam(lr=1e-2), device="cpu")
    task().solve(Adam(lr=1e-2), device="cpu", out=tmp_path, steps=2)
    resumed = task()
    resumed.solve(Adam(lr=1e-2), device="cpu", out=tmp_path, resume=True)
    assert torch.equal(resumed.memory.weights, whole.memory.weights)


def test_an_environment_without_a_limit_is_refused(monkeypatch):
    made = task()
    spec = replace(made.learner.episodes.envs[0].spec, max_episode_steps=None)
    monkeypatch.setattr(type(made.learner.episodes.envs[0]), "spec", spec)
    with pytest.raises(ValueError, match="absorbing=True needs a time limit"):
        task()


@pytest.mark.parametrize(
    ("steps", "ended", "words"),
    [(5, False, "how episodes ended, trajectory 0 says neither"), (501, True, "has 501 steps.*time limit is 500")],
)
def test_demonstrations_must_say_how_they_ended_and_fit_the_horizon(steps, ended, words):
    shown = Demonstrations.from_arrays(
        "CartPole-v1", [np.zeros((steps + 1, 4))], [np.zeros(steps, dtype=int)], terminated=[ended]
    )
    with pytest.raises(ValueError, match=words):
        steps_absorbed(shown, 500)
