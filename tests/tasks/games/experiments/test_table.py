"""The table of methods and games: its rows, that they go on, and what the learned optimizer must show."""

import json
from functools import partialmethod

import pytest
import torch

from tasks.games import SUITE
from tasks.games.experiments import methods, table
from tasks.games.experiments.methods import HAND_DESIGNED, LEARNED, SHIPPED, UNTRAINED, learned
from tasks.games.experiments.table import Job, measure_games, play
from tasks.games.experiments.trial import trial
from tasks.games.suite import bilinear


def test_rows_are_kept_and_the_rest_is_played(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "SUITE", {name: SUITE[name] for name in ("xy", "swapped-saddle")})
    monkeypatch.setattr(table, "HAND_DESIGNED", {"gradient": HAND_DESIGNED["gradient"]})
    monkeypatch.setattr(table, "LEARNED", {UNTRAINED: LEARNED[UNTRAINED]})
    monkeypatch.setattr(table, "TUNED", ("gradient",))
    monkeypatch.setattr(table, "STEP_SIZES", (0.1, 0.2))
    monkeypatch.setattr(table.Job, "__init__", partialmethod(table.Job.__init__, games=20, budget=30))
    monkeypatch.setattr(table, "SEEDS", {})
    monkeypatch.setattr(table, "COORDINATES", {})
    for part in ("measure_practice", "measure_sizes"):
        monkeypatch.setattr(table, part, lambda *_, **__: None)
    said = []
    file = measure_games(tmp_path, announce=said.append, workers=1)
    rows = json.loads(file.read_text())["rows"]
    assert [(row["family"], row["method"], row["step_size"]) for row in rows] == [
        (family, *setting)
        for family in ("xy", "swapped-saddle")
        for setting in ((UNTRAINED, None), ("gradient", 0.1), ("gradient", 0.2))
    ]
    assert {row["solved"] for row in rows if row["method"] == "gradient"} == {0}
    first = rows[0]
    assert (first["solved"], first["wrong"], first["solvable"], first["dimensions"]) == (20, 0, 20, 2)
    noisy = json.loads((tmp_path / "games-noise.json").read_text())["rows"]
    assert {(row["method"], row["noise"]) for row in noisy} == {(UNTRAINED, 0.01), ("gradient", 0.01)}
    before = len(said)
    measure_games(tmp_path, announce=said.append, workers=1)
    assert len(said) == before + 2


@pytest.mark.parametrize("name", HAND_DESIGNED)
def test_each_method_plays(name):
    row = play(Job("rotated-saddle", name, HAND_DESIGNED[name].usual, games=5, budget=40))
    assert row["solvable"] == 5


@pytest.mark.parametrize("name", LEARNED)
def test_the_learned_ones_have_no_step_size(name):
    assert play(Job("xy", name, None, games=5, budget=20))["solved"] == 5


# Of the seesaws the narrowest and the widest; of two bilinear games the stronger.
ALIKE = {*(f"seesaw-{number}" for number in range(2, 7)), "cgd-bilinear-3"}
CIRCLING = [name for name, family in SUITE.items() if family.circles and "100" not in name and name not in ALIKE]


@pytest.mark.parametrize("name", [name for name in CIRCLING if name != "forsaken"])
def test_it_settles_where_gradient_play_circles(name):
    row = play(Job(name, SHIPPED, None, games=20, budget=60))
    assert row["solved"] >= 0.9 * row["solvable"]
    assert row["wrong"] == 0


@pytest.mark.parametrize("name", ["ridge-2", "swapped-saddle", "lower-bound", "func4-wide"])
def test_it_does_not_end_where_nobody_wants_to_be(name):
    assert play(Job(name, SHIPPED, None, games=20, budget=60))["wrong"] == 0


def test_every_method_is_told_apart_in_words():
    titles = [*(one.title for one in HAND_DESIGNED.values()), *methods.LEARNED.values()]
    assert len(set(titles)) == len(titles)


def test_of_many_numbers_it_remembers_enough():
    game = bilinear(3, torch.Generator().manual_seed(0), size=25, condition=20.0)
    evaluations = trial(learned(SHIPPED), game, budget=60).evaluations
    assert evaluations.isfinite().all()  # with a memory of 32 it takes about 80
