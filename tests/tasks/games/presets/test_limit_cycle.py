"""The preset of the limit cycle: its settings, its run, its row and its page."""

import json
from dataclasses import replace

import pytest
from folders import reseal
from pages import assert_self_contained

from minimax_l2l import DamagedRunError
from minimax_l2l.lab.report import write_report
from minimax_l2l.lab.runs import evaluate, play
from tasks.games.presets import FAMILY
from tasks.games.presets.limit_cycle import NAME, LimitCyclePreset
from tasks.games.presets.orbits import sections

SMALL = LimitCyclePreset(iterations=2, games=4, inner_steps=16)


@pytest.fixture
def run(tmp_path):
    play(NAME, SMALL, tmp_path / "run", device="cpu")
    return tmp_path / "run"


def silent(words):
    pass


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"iterations": -1}, "iterations must be at least 0, got -1"),
            ({"games": 0}, "games must be at least 1, got 0"),
            ({"inner_steps": 15}, "inner_steps must be at least 16, got 15"),
        ],
    )
    def test_that_make_no_sense(self, wrong, sentence):
        with pytest.raises(ValueError, match=sentence):
            replace(SMALL, **wrong)

    def test_become_the_game(self):
        built = replace(SMALL, seed=3).build()
        assert (built.task.iterations, built.task.games, built.task.seed) == (2, 4, 3)
        assert (built.optimizer.steps, built.optimizer.learns) == (16, True)


class TestEvaluate:
    def test_measures_three_ways_to_play_and_what_the_learned_one_cost(self, run):
        rows = evaluate(run, {"games": FAMILY}, device="cpu", announce=silent)["rows"]
        assert [row["method"] for row in rows] == ["simultaneous", "alternating", "rnn-l2l"]
        assert ["train_seconds" in row for row in rows] == [False, False, True]
        assert rows[0]["distance"] == pytest.approx(1.01**50)

    def test_a_damaged_run(self, run):
        (run / "solution.json").write_text(json.dumps({"seconds": 1.0}))
        reseal(run)
        with pytest.raises(DamagedRunError, match=r"solution\.json lacks status, steps, passes, so it is not"):
            evaluate(run, {"games": FAMILY}, device="cpu", announce=silent)


def test_the_page_draws_the_orbits(run, tmp_path):
    write_report(tmp_path / "page.html", sections([run]), title="Games")
    page = (tmp_path / "page.html").read_text()
    assert_self_contained(page)
    assert page.count("<svg") == 1
    assert "The limit cycle: run" in page
