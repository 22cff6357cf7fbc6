"""What is measured of a run, called from Python; the random return that scores need is that of the table."""

import pytest

from minimax_l2l import Adam
from tasks.gail import GAIL, PolicySettings, measure, measure_policy, random_return, record, stability
from tasks.gail.experts.scripted import balance
from tasks.gail.presets.settings import SETTINGS

EXPERT = record(balance, "CartPole-v1", 3, seed=0)


@pytest.mark.parametrize("setting", ["cartpole", "mountain-car", "cartpole-style"])
def test_random_actions_return_what_the_table_of_experts_says(setting):
    assert random_return(SETTINGS[setting].environment_id) == pytest.approx(SETTINGS[setting].random_return)


def test_episodes_are_counted():
    assert random_return("MountainCar-v0", episodes=1) == -200
    for episodes, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="episodes must be"):
            random_return("MountainCar-v0", episodes=episodes)


def test_a_run_of_a_task_of_ones_own():
    shown, held_out = EXPERT.split(1)
    policy = PolicySettings(environments=4, steps=32, hidden=(8,))
    options = {"policy": policy, "held_out": held_out, "evaluation_episodes": 2, "hidden": (8,)}
    task = GAIL("CartPole-v1", shown, reward="survival", iterations=10, **options)
    history = task.solve(Adam(lr=0.01), device="cpu", validate_every=1).history
    ends = {"random": random_return("CartPole-v1", episodes=4), "expert": 500.0}
    found = measure(task, history, held_out, **ends, episodes=4)
    alone = measure_policy(task, held_out, **ends, episodes=4)
    assert {name: found[name] for name in alone} == alone
    assert alone["final_score"] == (alone["final_return"] - ends["random"]) / (500 - ends["random"])
    assert 0 <= alone["action_agreement"] <= 1
    assert alone["energy_distance"] > 0
    curve = stability(found["curve"]["iterations"], found["curve"]["returns"], **ends)
    assert curve.as_row().items() <= found.items()
    assert 0 <= found["held_out_accuracy"] <= 1
