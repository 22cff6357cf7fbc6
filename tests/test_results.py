"""Every table of the documentation is what the stored results give."""

import importlib
import json
import re
from collections import defaultdict
from itertools import product
from math import inf
from pathlib import Path
from statistics import mean, stdev

import pytest

from benchmarks import figures, make
from benchmarks.robustness_curves import robustness_curves
from benchmarks.tables.games import best_tuned
from minimax_l2l.lab import read_rows, wilson_interval
from tasks.gail.presets.settings import SETTINGS
from tasks.games import SUITE
from tasks.games.experiments.methods import HAND_DESIGNED, LEARNED, SEEDS, SHIPPED, TUNED, UNTRAINED, learned
from tasks.games.experiments.trial import trial

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", make.PAGES)
def test_a_page_holds_the_tables_that_the_results_give(page):
    text = (ROOT / page).read_text()
    assert "<!-- table: " in text
    assert make.fill(text) == text


@pytest.mark.parametrize(
    "file", sorted((ROOT / "benchmarks" / "results").glob("*.json")), ids=lambda file: file.stem
)
def test_results_say_what_they_were_measured_with_and_where_nothing_is(file):
    content = json.loads(file.read_text())
    assert {"versions", "machine", "command", "commit", "date"} <= set(content["environment"])
    assert "data_sha256" in content["environment"] or not file.stem.startswith("digits")
    assert content["rows"]
    assert all("method" in row and "seed" in row for row in content["rows"])
    assert "/home/" not in file.read_text()
    assert "/tmp/" not in file.read_text()


def test_the_experts_that_ship_are_the_ones_that_were_measured():
    rows = {
        row["setting"]: row
        for row in json.loads((ROOT / "benchmarks/results/gail-experts.json").read_text())["rows"]
    }
    assert rows.keys() == SETTINGS.keys()
    for name, setting in SETTINGS.items():
        row = rows[name]
        assert row["environment"] == setting.environment_id
        assert (row["expert_return"], row["random_return"]) == (setting.expert_return, setting.random_return)
        shown = setting.demonstrations()
        assert shown.sha256 == row["recorded_sha256"]
        assert shown.returns.mean() == pytest.approx(row["recorded_return"])


def test_the_figures_of_games_are_those_that_the_readme_prints():
    shown = re.search(r"^```text\n(GradientAscent .*?)^```", (ROOT / "docs/results.md").read_text(), re.M | re.S)
    assert shown is not None
    assert f"```\n\n{shown[0]}" in (ROOT / "README.md").read_text()  # under the code that prints it


def test_the_evaluations_that_the_readme_tells_beside_its_picture():
    needed = [
        trial(learned(SHIPPED), SUITE[family].sample(1), budget=30).evaluations.item() for family in figures.GAMES
    ]
    told = re.search(r"rest after (\d+) on the left\s+and (\d+) on the right", (ROOT / "README.md").read_text())
    assert told is not None
    assert needed == [float(number) for number in told.groups()]


@pytest.mark.parametrize("family", ["dirac-gan", "coherent"])
def test_repairs_of_the_step_changed_nothing_on_families_that_were_never_looked_at(family):
    (row,) = [one for one in of_games(SHIPPED, family) if one["budget"] == 200]
    played = trial(learned(SHIPPED), SUITE[family].sample(row["games"], seed=row["seed"]), budget=row["budget"])
    settled = played.evaluations.isfinite()
    assert int(settled.sum()) == row["solved"]
    assert played.evaluations[settled].median().item() == row["evaluations"]


def of_games(method, family=None):
    """Rows of a method with its one setting."""
    rows = json.loads((ROOT / "benchmarks/results/games.json").read_text())["rows"]
    usual = HAND_DESIGNED[method].usual if method in HAND_DESIGNED else None
    own = [row for row in rows if (row["method"], row["step_size"]) == (method, usual)]
    return [row for row in own if family in (None, row["family"])]


def settled(row):
    return row["solvable"] > 0 and row["solved"] >= 0.95 * row["solvable"]


def test_what_is_claimed_of_games_is_what_was_measured():
    rows = json.loads((ROOT / "benchmarks/results/games.json").read_text())["rows"]
    tempting = ("swapped-saddle", "ridge-2", "func4-wide", "func5", "lower-bound")
    counts = {name: sum(map(settled, of_games(name))) for name in (*LEARNED, *HAND_DESIGNED)}
    wrong = {name: sum(row["wrong"] for row in of_games(name) if row["family"] in tempting) for name in counts}
    others = [count for name, count in counts.items() if name in HAND_DESIGNED and name != "anderson"]
    assert {row["family"] for row in rows} == set(SUITE)
    assert sum(row["solvable"] > 0 for row in of_games("gram-games")) == 33
    assert (counts["gram-games"], counts["gram-untrained"]) == (33, 30)
    assert [sum(map(settled, of_games(name))) for name in SEEDS] == [33, 32, 32, 33]
    assert (counts["anderson"], counts["extragradient"], len(others), max(others)) == (19, 5, 11, 8)
    tuned = {name: {row["family"] for row in rows if row["method"] == name and settled(row)} for name in TUNED}
    assert (len(tuned["anderson"]), len(tuned["extragradient"])) == (25, 15)
    assert (wrong["gram-games"], wrong["anderson"]) == (0, 371)
    assert {row["family"]: row["wrong"] for row in of_games("gram-games") if row["wrong"]} == {"forsaken": 2}
    narrow = {row["family"]: row["solved"] for row in of_games("gram-games") if 0 < row["solved"] < 100}
    assert narrow == {"covariance-4": 96, "hidden-pennies": 98, "dirac-gan": 97}
    for family, each in (("dirac-gan", [97, 96, 99, 100, 95, 91, 36]), ("coherent", [100] * 7)):
        names = (SHIPPED, *SEEDS, UNTRAINED, "anderson")
        assert [row["solved"] for name in names for row in of_games(name, family)] == each


def test_what_is_claimed_of_evaluations_is_what_was_measured():
    rows = json.loads((ROOT / "benchmarks/results/games.json").read_text())["rows"]
    half, third, faster = set(), set(), set()
    for own in of_games("gram-games"):
        family, needed = own["family"], own["evaluations"] or float("inf")
        if SUITE[family].circles and own["solvable"]:
            assert own["solved"] >= 96, family
        if not own["solvable"] or not settled(own):
            continue
        best = best_tuned([row for row in rows if row["family"] == family])
        most = best["evaluations"] if settled(best) else float("inf")
        half |= {family} if needed <= most / 2 else set()
        third |= {family} if needed <= most / 3 else set()
        (anderson,) = of_games("anderson", family)
        assert not settled(anderson) or needed <= 1.5 * anderson["evaluations"], family
        faster |= {family} if not settled(anderson) or needed < anderson["evaluations"] else set()
    assert (len(half), len(third), len(faster)) == (31, 20, 22)
    families = {row["family"] for row in rows if row["solvable"]}
    best = [best_tuned([row for row in rows if row["family"] == family]) for family in families]
    assert sum(not settled(row) for row in best) == 7
    assert [round(bound, 2) for bound in wilson_interval(96, 100)] == [0.9, 0.98]
    assert "ratio-corner" not in half


def test_what_is_claimed_of_defaults_is_what_was_measured():
    rows = read_rows(ROOT / "benchmarks/results/defaults.json")
    values, warned = defaultdict(list), defaultdict(list)
    for row in rows:
        values[row["problem"], row["method"]].append(inf if row["value"] is None else row["value"])
        warned[row["problem"], row["method"]].append(row["warned"])
    for problem in {row["problem"] for row in rows}:
        own = values[problem, "default-l2l"]
        assert mean(own) <= min(mean(each) for (name, _), each in values.items() if name == problem) + stdev(own)
    for problem, behind in (("matrix game", 1.3), ("multipliers", 1.7)):
        usual = mean(values[problem, "default-l2l"])
        assert usual < mean(values[problem, "gram-games-l2l"]) < behind * usual
    assert all(warned["multipliers", "gram-games-l2l"] + warned["multipliers", "default-l2l"])
    assert values["instruments", "gram-games-l2l"].count(inf) == 1
    farthest = [max(values["imitation", name]) for name in ("default-l2l", "gram-games-l2l")]
    assert [round(value, 2) for value in farthest] == [0.3, 0.74]
    pairs = zip(*(values["moves in a ball", name] for name in ("pgm", "default-l2l")), strict=True)
    assert all(0.996 * own < pgm < own for pgm, own in pairs)


def test_what_is_claimed_of_adam_under_stress_is_what_was_measured():
    rows = json.loads((ROOT / "benchmarks/results/gail-stress.json").read_text())["rows"]
    adam = [row for row in rows if (row["setting"], row["method"]) == ("cartpole", "gail-adam")]
    assert (len(adam), sum(row["outage"] for row in adam)) == (5, 5)
    first, last = min(row["hit"] for row in adam), max(row["hit"] for row in adam)
    for page in ("results.md", "results/stress.md"):
        assert f"after {first} to {last} iterations" in (ROOT / "docs" / page).read_text()


def test_what_is_claimed_of_images_is_what_was_measured():
    rows = read_rows(ROOT / "benchmarks/results/paper-tables.json")

    def apgd(data, eps, seed):
        own = [row for row in rows if (row["data"], row["eps"], row["seed"]) == (data, eps, seed)]
        return {row["method"]: 100 * row["autoattack_quick"] for row in own if row["attacker"] in (None, "light")}

    seeds = [apgd("fashion-mnist", 0.1, seed) for seed in (0, 1, 2)]
    assert {len(found) for found in seeds} == {15}
    assert all(found["grad-l2l"] < found["pgm-10"] - 1 for found in seeds)
    assert [found["fgsm-sdi"] for found in seeds] == pytest.approx([60.7, 58.4, 53.8])
    assert [found["pgm-2"] for found in seeds] == pytest.approx([61.5, 59.3, 56.2])
    robust = set(seeds[0]) - {"plain", "naive-l2l"}
    worst = {name: min(found[name] for found in seeds) for name in robust}
    means = {name: mean(found[name] for found in seeds) for name in robust}
    assert max(means.values()) - min(means.values()) < 5
    for values, lowest, highest in ((means, 60.85, 61.45), (worst, 60.25, 61.15)):
        best = sorted(robust, key=values.__getitem__)[-3:]
        assert set(best) == {"remembered-fgsm", "remembered-grad-l2l", "fgsm-mep"}
        assert all(lowest < values[name] < highest for name in best)
    one_step = {"fgsm", "fgsm-rs", "n-fgsm", "grad-l2l"}
    assert set(sorted(robust, key=means.__getitem__)[:5]) == one_step | {"fgsm-sdi"}
    assert all(56.55 < means[name] < 58.95 for name in one_step)
    assert means["pgm-10"] - means["two-step-l2l"] == pytest.approx(0.23, abs=0.01)
    assert all(1 < means["pgm-10"] - means[name] < 3 for name in ("fgsm", "fgsm-rs", "grad-l2l"))
    small = {name: value for name, value in apgd("cifar10", 0.0314, 0).items() if name != "plain"}
    assert len(small) == 8
    assert max(small.values()) == small["pgm-10"] == pytest.approx(23.7)
    assert min(small.values()) == small["grad-l2l"] == small["trades-10"] == pytest.approx(22.7)
    assert [small[name] for name in ("fgsm-rs", "remembered-fgsm")] == pytest.approx([23.2, 23.4])
    assert max(small[name] for name in small if "l2l" in name) == pytest.approx(23.6)


def test_the_curves_of_images_are_those_that_were_measured():
    rows = read_rows(ROOT / "benchmarks/results/paper-tables.json")
    above_eps, above_steps, below_eps, _ = robustness_curves(rows, "fashion-mnist", eps=0.1).axes
    wanted = {"data": "fashion-mnist", "eps": 0.1, "seed": 0}
    own, shown = (
        next(row for row in rows if (wanted | {"method": method, "attacker": attacker}).items() <= row.items())
        for method, attacker in (("n-fgsm", None), ("grad-l2l", "light"))
    )
    drawn, steps = ({line.get_label(): line for line in axes.get_lines()} for axes in (above_eps, above_steps))
    assert {"Plain", "Naive L2L", "PGM-10", "Grad L2L", "2-Step L2L"} < set(drawn)
    assert list(drawn["N-FGSM"].get_xdata()) == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 1.0])
    assert list(drawn["N-FGSM"].get_ydata()) == pytest.approx([100 * one for one in own["against_eps"][1:]])
    assert list(drawn["Grad L2L"].get_ydata()) == pytest.approx([100 * one for one in shown["against_eps"][1:]])
    assert list(steps["N-FGSM"].get_ydata()) == pytest.approx([100 * one for one in own["against_steps"]])
    apart = drawn["N-FGSM"].get_ydata()[4] - drawn["PGM-10"].get_ydata()[4]
    assert apart in [
        pytest.approx(line.get_ydata()[4]) for line in below_eps.get_lines() if len(line.get_xdata()) == 8
    ]


def test_what_is_claimed_of_perturbations_is_what_was_measured():
    rows = read_rows(ROOT / "benchmarks/results/perturbations.json")
    attacks = ["FGSM", "PGM-20", "2-Step L2L"]
    assert [(row["method"], row["attack"]) for row in rows] == list(product(("pgm-10", "two-step-l2l"), attacks))
    assert {row["images"] for row in rows} == {200}
    assert [round(row["roughness_mean"], 2) for row in rows] == [0.34] * 3 + [0.35] * 3
    assert [row["seen"] for row in rows] == ["cat"] * 3 + ["lorry"] * 3


def test_what_is_claimed_of_attacks_beside_other_libraries():
    rows = read_rows(ROOT / "benchmarks/results/adversarial-speed.json")
    attacks = [row for row in rows if row["what"] == "attack"]
    seconds = {(row["model"], row["norm"], row["method"]): row["seconds"] for row in attacks}
    ratios = [
        seconds[model, norm, "minimax-l2l"] / other
        for (model, norm, method), other in seconds.items()
        if method in ("torchattacks", "foolbox")
    ]
    assert len(ratios) == 8
    assert f"took {min(ratios):.2f} to {max(ratios):.2f} times the time" in (ROOT / "README.md").read_text()
    assert 1.75 < max(max(row["turns"]) / min(row["turns"]) for row in attacks) < 1.95
    small = {(row["norm"], row["method"]): min(row["turns"]) for row in attacks if row["batch"] == 4}
    fastest = [small[norm, "minimax-l2l"] / one for (norm, name), one in small.items() if name != "minimax-l2l"]
    assert 1.005 < min(fastest) < max(fastest) < 1.045


@pytest.mark.parametrize("script", ["dense_updater", "make", "peer", "perturbations"])
def test_scripts_use_what_there_is(script):
    importlib.import_module(f"benchmarks.{script}")
