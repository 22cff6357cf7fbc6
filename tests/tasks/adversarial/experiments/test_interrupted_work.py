"""Ctrl-C ends the demo, a benchmark or a tuning, and what it had begun is never taken for whole."""

import json
import os
import signal
from pathlib import Path

import pytest

from minimax_l2l import Status
from minimax_l2l.families import Settings
from minimax_l2l.solving import solve_preset
from tasks.adversarial import AdversarialTraining, ImageData, digits
from tasks.adversarial.experiments import demo, tuning
from tasks.adversarial.experiments import digits as benchmark
from tasks.adversarial.presets.family import FAMILY
from tasks.adversarial.presets.methods import METHODS

PRESET = "adversarial/digits-pgm-2"


@pytest.fixture(autouse=True)
def light(tmp_path, monkeypatch):
    """A working directory of its own, two methods, and few images."""
    monkeypatch.chdir(tmp_path)
    whole = digits()
    few = ImageData("digits", whole.train.first(128), whole.validation, whole.test, 10, whole.sha256)
    monkeypatch.setattr("tasks.adversarial.presets.runs.digits", lambda: few)
    monkeypatch.setattr("tasks.adversarial.presets.runs.DIGITS_EPOCHS", 2)
    two = {name: METHODS[name] for name in ("plain", "pgm-2")}
    monkeypatch.setattr(benchmark, "METHODS", two)
    monkeypatch.setattr(benchmark, "SEEDS", (0,))
    monkeypatch.setattr(demo, "TABLE", tuple(two))
    monkeypatch.setattr(demo, "EPOCHS", 2)


@pytest.fixture
def pressed(monkeypatch):
    """Ctrl-C is pressed in the first step, once."""
    usual = AdversarialTraining.inner_problem

    def press(task, batch):
        monkeypatch.setattr(AdversarialTraining, "inner_problem", usual)
        os.kill(os.getpid(), signal.SIGINT)
        return usual(task, batch)

    monkeypatch.setattr(AdversarialTraining, "inner_problem", press)


def status(folder: Path) -> str:
    return json.loads((folder / "solution.json").read_text())["status"]


@pytest.mark.usefixtures("pressed")
class TestInterrupted:
    def test_one_run_may_return(self):
        solution = solve_preset(FAMILY, PRESET, Path("run"), Settings())
        assert solution.status is Status.INTERRUPTED

    def test_one_run_may_raise_once_its_folder_is_whole(self):
        with pytest.raises(KeyboardInterrupt):
            solve_preset(FAMILY, PRESET, Path("run"), Settings(), on_interrupt="raise")
        assert status(Path("run")) == "interrupted"
        assert solve_preset(FAMILY, PRESET, Path("run"), Settings(), resume=True).status is Status.COMPLETED

    def test_the_demo_ends(self):
        announced = []
        with pytest.raises(KeyboardInterrupt):
            demo.run_demo(FAMILY, Path("demo"), announced.append)
        assert announced == ["training 1 of 2: Plain"]
        assert not Path("demo/results.json").exists()

    def test_a_trial_of_tuning_gives_no_row(self):
        trial = next(iter(tuning.trials(tuning.SEEDS[0])))
        with pytest.raises(KeyboardInterrupt):
            tuning.measure(trial, digits(), 0)

    def test_a_benchmark_ends_and_trains_the_run_that_was_interrupted_anew(self, monkeypatch):
        evaluated = []

        def pretend(folders, **_):
            for folder in folders:
                evaluated.append(status(folder))
                yield folder, {"method": folder.name.removesuffix("-0"), "seed": 0}

        monkeypatch.setattr(benchmark, "evaluate_runs", pretend)
        with pytest.raises(KeyboardInterrupt):
            benchmark.benchmark_digits(FAMILY, Path("results"), lambda _: None)
        assert status(benchmark.RUNS / "plain-0") == "interrupted"
        assert not evaluated
        announced = []
        file = benchmark.benchmark_digits(FAMILY, Path("results"), announced.append)
        assert "seed 0: training Plain" in announced
        assert evaluated == ["completed", "completed"]
        assert [row["method"] for row in json.loads(file.read_text())["rows"]] == ["plain", "pgm-2"]
        announced.clear()
        benchmark.benchmark_digits(FAMILY, Path("results"), announced.append)
        assert not any("training" in words for words in announced)
