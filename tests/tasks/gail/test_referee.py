"""Who has won: said once, and only of a policy that is none the better for it."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import A2C
from worlds import registered

from minimax_l2l import Adam
from tasks.gail import GAIL, Demonstrations, PolicySettings, record
from tasks.gail.experts.scripted import push_left
from tasks.gail.referee import FIRST, STRETCH, Referee


def shown(*returns):
    """Demonstrations that brought these returns, or whose rewards are not known."""
    rewards = [[value] for value in returns] or None
    count = max(len(returns), 1)
    return Demonstrations.from_arrays("Pendulum-v1", [np.zeros((2, 3))] * count, [[[0.0]]] * count, rewards=rewards)


def warned(demonstrations, iterations):
    """At which iterations the referee warns."""
    referee, found = Referee(demonstrations), []
    for number, (told, returns) in enumerate(iterations):
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            referee.see(told, returns)
        found += [number] * len(given)
    return found


FALLING = [(1.0, [-float(number)]) for number in range(200)]
RISING = [(1.0, [float(number) - 500]) for number in range(200)]


class TestWhoHasWon:
    def test_it_warns_once_after_a_whole_stretch(self):
        assert warned(shown(10.0), FALLING) == [STRETCH - 1]
        assert warned(shown(), FALLING) == [STRETCH - 1]

    def test_not_of_a_policy_that_gets_better(self):
        assert not warned(shown(10.0), RISING)
        assert warned(shown(10.0), RISING + FALLING)

    @pytest.mark.parametrize("told", [0.0, 0.5, 0.97, float("nan")])
    def test_not_of_a_discriminator_that_errs_now_and_then(self, told):
        erring = [(told if number % (STRETCH - 1) == 0 else 1.0, [0.0]) for number in range(200)]
        assert not warned(shown(10.0), erring)

    @pytest.mark.parametrize("returns", [(100.0, 100.0), (100.0, 120.0), (-100.0, -100.0)])
    def test_not_of_a_policy_that_reaches_the_expert(self, returns):
        enough = np.mean(returns) - max(np.std(returns), abs(np.mean(returns)) / 10)
        assert not warned(shown(*returns), [(1.0, [enough + 0.1])] * 100)
        assert warned(shown(*returns), [(1.0, [enough - 0.1])] * 100)

    def test_returns_that_are_not_known_do_not_speak_for_the_policy(self):
        for returns in ([], [float("nan")]):
            assert warned(shown(10.0), [(1.0, returns)] * 100) == [STRETCH - 1]
        now_and_then = [(1.0, [float(number) - 500] if number % 10 == 0 else []) for number in range(200)]
        assert not warned(shown(10.0), now_and_then)

    @pytest.mark.parametrize("earlier", [[], [-500.0]])
    @pytest.mark.parametrize("later", [[], [float("nan")]])
    def test_it_does_not_say_of_a_policy_what_nobody_knows(self, earlier, later):
        referee = Referee(shown(10.0))
        for number in range(STRETCH - 1):
            referee.see(1.0, earlier if number < STRETCH // 2 else later)
        with pytest.warns(UserWarning, match="whether the policy gets better is not known, as too few episodes"):
            referee.see(1.0, later)

    def test_what_it_says(self):
        referee = Referee(shown(10.0))
        for told, returns in FALLING[: STRETCH - 1]:
            referee.see(told, returns)
        said = r"for 50 iterations .* 98% of .*\(mean return -37\)\. Start from .*clone_behaviour\(task.learner"
        with pytest.warns(UserWarning, match=said):
            referee.see(*FALLING[STRETCH - 1])

    @pytest.mark.parametrize("at", [1, STRETCH - 1, STRETCH, 120])
    def test_resumed_it_counts_on(self, at):
        first, second = Referee(shown(10.0)), Referee(shown(10.0))
        found = []
        for number, (told, returns) in enumerate(FALLING):
            if number == at:
                second.load_state_dict(first.state_dict())
            with warnings.catch_warnings(record=True) as given:
                warnings.simplefilter("always")
                (first if number < at else second).see(told, returns)
            found += [number] * len(given)
        assert found == [STRETCH - 1]


def unsure(returns):
    """Iterations of a discriminator that has not won."""
    return [(0.5, [value]) for value in returns]


class TestWhoIsWorseThanAtFirst:
    """The expert's mean return is 10 and the first ones are 0, so that a tenth of the way is 1."""

    @pytest.mark.parametrize(("last", "found"), [(-1.1, [FIRST + STRETCH - 1]), (-0.9, []), (5.0, [])])
    def test_it_warns_once_of_a_policy_that_has_fallen_by_a_tenth(self, last, found):
        assert warned(shown(10.0), unsure([0.0] * FIRST + [last] * 200)) == found

    def test_not_of_one_that_fell_and_came_back(self):
        assert not warned(shown(10.0), unsure([0.0] * FIRST + [-20.0] * (STRETCH - 1) + [5000.0] + [8.0] * 100))

    def test_not_where_it_began_beyond_the_expert_or_nothing_is_known(self):
        assert not warned(shown(10.0), unsure([20.0] * FIRST + [12.0] * 100))
        assert not warned(shown(), unsure([0.0] * FIRST + [-9.0] * 100))
        assert not warned(shown(10.0), [(0.5, [])] * 200)

    def test_what_it_says(self):
        referee, rows = Referee(shown(10.0)), unsure([0.0] * FIRST + [-9.0] * STRETCH)
        for told, returns in rows[:-1]:
            referee.see(told, returns)
        said = (
            r"worse than at first: .* was 0 in the first 25 iterations and -9 in the last 50; the expert's is 10\."
        )
        with pytest.warns(UserWarning, match=said):
            referee.see(*rows[-1])


FEW = PolicySettings(environments=2, steps=8, hidden=(4,), critic_batch=4, critic_epochs=1)


class TestInARun:
    def test_a_lost_game_is_told(self, monkeypatch):
        """Its expert acts far from where a policy begins, which may hardly move."""
        name = registered(monkeypatch, action_space=spaces.Box(-9, 9, (1,)))
        seen = np.arange(5.0)[:, None].repeat(2, 1)
        demonstrations = Demonstrations.from_arrays(name, [seen], [np.full((4, 1), -9.0)], truncated=[True])
        still = replace(FEW, algorithm=lambda made: A2C("MlpPolicy", made, learning_rate=1e-9, device="cpu"))
        task = GAIL(name, demonstrations, reward="neutral", iterations=70, policy=still)
        with pytest.warns(UserWarning, match="the discriminator has won: for 50 iterations"):
            task.solve(Adam(lr=0.05), device="cpu")

    def test_returns_are_those_of_the_environment(self):
        expert = record(push_left, "MountainCar-v0", 1, seed=0)
        long = replace(FEW, steps=250)
        task = GAIL("MountainCar-v0", expert, reward="goal", iterations=1, policy=long)
        task.learner.collect(0)
        assert task.learner.recorder.returns == [-100, -200]  # the first is cut off in the middle
