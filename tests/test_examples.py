"""Each example runs in a short form, and what it prints is what it is there to show."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """What an example prints, run as a script in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(example: str, *arguments: str) -> str:
        file = str(EXAMPLES / f"{example}.py")
        monkeypatch.setattr(sys, "argv", [file, "--quick", *arguments])
        runpy.run_path(file, run_name="__main__")
        return capsys.readouterr().out

    return call


def numbers(line: str) -> list[float]:
    return [float(word) for word in re.findall(r"\d+(?:\.\d+)?(?:e[+-]\d+)?", line)]


def test_the_learned_optimizer_settles_where_gradient_play_does_not(run, tmp_path):
    printed = run("limit_cycle", "--out", "pictures/orbits.png")
    distances = {line.split()[0]: numbers(line) for line in printed.splitlines()[2:6]}
    assert all(path[0] == 1.0 for path in distances.values())
    assert distances["simultaneous"][-1] > 1.5
    assert 0.9 < distances["alternating"][-1] < 1.1
    assert distances["recurrent"][-1] < 0.1
    assert distances["gram-games"][-1] < 1e-6
    said = re.search(r"^gram-games: (\S+) from \(0, 0\) after (\d+) evaluations$", printed, re.M)
    assert said is not None
    assert float(said[1]) < 1e-6
    assert int(said[2]) < 10
    assert (tmp_path / "pictures" / "orbits.png").read_bytes().startswith(b"\x89PNG")


def test_a_learned_attacker_trains_a_robust_classifier_at_a_fraction_of_the_passes(run, tmp_path):
    printed = run("adversarial_digits", "--out", "rows.json")
    rows = {row["method"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert [re.split("  +", line)[0] for line in printed.splitlines()[2:5]] == list(rows)
    plain, pgm, learned = rows.values()
    batches = plain["forward_passes"]
    assert all(row["weight_gradient_passes"] == batches for row in rows.values())
    assert pgm["forward_passes"] == pgm["input_gradient_passes"] == 11 * batches
    assert learned["forward_passes"] == learned["input_gradient_passes"] == 3 * batches
    assert min(row["clean"] for row in rows.values()) > 0.5
    assert min(pgm["PGM-20"], learned["PGM-20"]) > plain["PGM-20"] + 0.2
    assert min(pgm["CW-100"], learned["CW-100"]) > plain["CW-100"] + 0.2


def test_a_new_problem_is_solved_to_the_worst_case_that_is_known(run, tmp_path):
    printed = run("own_problem", "--out", "run")
    unmoved, found, worst = (numbers(line)[-1] for line in printed.splitlines())
    assert unmoved < 0.95 * worst
    assert 0.95 * worst < found < worst + 1e-3
    assert (tmp_path / "run" / "optimizer" / "model.safetensors").is_file()


def test_a_cart_is_balanced_by_policies_that_plain_stable_baselines_plays(run, tmp_path):
    printed = run("gail_cartpole", "--out", "policies")
    expert, *rows = printed.splitlines()
    assert expert == "return of the expert: 500.0"
    random = 22.03  # benchmarks/results/gail-experts.json
    assert [float(row.split()[-2]) > 3 * random for row in rows] == [True, True, True]
    assert {file.parent.name for file in tmp_path.glob("policies/*/policy.zip")} == {"GAIL", "L2L", "never-trained"}


def test_an_expert_that_ships_with_the_package_is_imitated(run, tmp_path):
    printed = run("gail_mountain_car", "--out", "policies")
    expert, quick, _, *rows = printed.splitlines()
    assert expert == "return of the expert: -105.9"
    assert quick.startswith("two iterations: nobody arrives so soon")
    assert len(rows) == 2
    for row in rows:
        _, mean, agreement, *_ = row.split()
        assert -200 <= float(mean) < -80
        assert 0 <= float(agreement) <= 100
    assert len(list(tmp_path.glob("policies/*/policy.zip"))) == 2


def test_both_players_of_a_gan_are_moved_and_their_queries_counted(run, tmp_path):
    printed = run("gan_ring", "--out", "rings/rows.json")
    rows = {row["method"]: row for row in json.loads((tmp_path / "rings" / "rows.json").read_text())["rows"]}
    assert [line.split(" seed ")[0].strip() for line in printed.splitlines() if " modes, " in line] == list(rows)
    for method in ("Adam", "extragradient", "Adam, in turns", "learned"):
        assert rows[method]["queries"][-1] == 160
    assert 80 <= rows["competitive gradient"]["queries"][-1] <= 160
    assert all(len(row["queries"]) == len(row["modes"]) == 20 for row in rows.values())
    assert len({str(row["samples"]) for row in rows.values()}) == len(rows)
    assert (tmp_path / "rings" / "rows.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("example", sorted(file.stem for file in EXAMPLES.glob("*.py")))
def test_an_example_is_short_and_says_what_it_is_for(example):
    text = (EXAMPLES / f"{example}.py").read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) < 80
