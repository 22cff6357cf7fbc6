"""The page about games: a table, a picture for each family, and the limit cycle beside them."""

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
from tasks.games.presets.pages import sections

# Gradient play circles outward on xy, and a run says so.
pytestmark = pytest.mark.filterwarnings("ignore:the inner optimizer leads y away from balance")
RUNS = {
    "mixing": ("xy-anderson", {}),
    "plain": ("xy-gradient", {}),
    "shorter": ("xy-gradient", {"step_size": 0.05}),
    "shares": ("ratio-mixed-gradient", {}),
    "nowhere": ("lower-bound-gradient", {}),
    "others": ("lower-bound-gradient", {"seed": 1}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    for folder, (name, settings) in RUNS.items():
        preset = replace(FAMILY.presets[f"games/{name}"], games=3, budget=12, **settings)
        play(f"games/{name}", preset, home / folder, device="cpu")
        evaluate(home / folder, {"games": FAMILY}, device="cpu", announce=lambda _: None)
    play(NAME, LimitCyclePreset(iterations=1, games=2, inner_steps=16), home / "cycle", device="cpu")
    return home


@pytest.fixture(scope="module")
def page(runs):
    return sections([runs / name for name in ("cycle", *RUNS)])


def test_one_table_of_all_runs_in_the_order_of_suite_and_methods(page):
    titles, cells = page[0].table
    assert titles[:2] == ["family", "method"]
    assert [row[:2] for row in cells] == [
        ["xy", "simultaneous gradient play, step size 0.1"],
        ["xy", "simultaneous gradient play, step size 0.05"],
        ["xy", "Anderson mixing"],
        ["lower-bound", "simultaneous gradient play"],
        ["lower-bound", "simultaneous gradient play"],
        ["ratio-mixed", "simultaneous gradient play"],
    ]
    assert cells[2][2:] == ["100\n44 to 100", "4", "0"]
    assert cells[3][2:4] == ["-", "-"]


def test_runs_of_the_same_games_share_a_picture(page):
    pictures = {one.title: (one.figure or "").count("<svg") for one in page[1:]}
    assert pictures == {
        "xy": 3,  # where they go, distance, share
        "lower-bound, 3 games of seed 0": 2,  # without a distance, since there is nothing to find
        "lower-bound, 3 games of seed 1": 2,
        "ratio-mixed": 2,  # of more than two numbers
        "Environment": 0,
        "The limit cycle: cycle": 1,
    }


def test_the_page_is_one_file(page, tmp_path):
    write_report(tmp_path / "page.html", page, title="Games")
    assert_self_contained((tmp_path / "page.html").read_text())


def test_a_run_that_was_not_evaluated(tmp_path):
    preset = replace(FAMILY.presets["games/xy-gradient"], games=2, budget=2)
    play("games/xy-gradient", preset, tmp_path, device="cpu")
    with pytest.raises(DamagedRunError, match="has not been evaluated; run `minimax-l2l evaluate"):
        sections([tmp_path])
    (tmp_path / "evaluation.json").write_text(json.dumps({"environment": {}, "rows": [{}]}))
    reseal(tmp_path)
    with pytest.raises(DamagedRunError, match="lacks what a report needs"):
        sections([tmp_path])
