"""Ctrl-C ends the demo, a benchmark or a tuning, and what it had begun is never taken for whole."""

import json
import os
import signal
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from own_images import archive
from short import measured_briefly, undrawn

from minimax_l2l.lab.rows import missing, read_rows
from tasks.adversarial import AdversarialTraining, digits
from tasks.adversarial.experiments import digits as benchmark
from tasks.adversarial.experiments import trained
from tasks.adversarial.experiments.demo import LIGHT, run_demo
from tasks.adversarial.experiments.tuning import RECIPE_SEEDS, Trial, measure, trials
from tasks.adversarial.presets.digits import DIGITS

RESULTS = Path(__file__).parents[4] / "benchmarks" / "results"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def two():
    """Two presets on images of one's own, two epochs long."""
    data = archive()
    return {
        name: replace(DIGITS[name], data=data, eps=0.15, epochs=2)
        for name in ("adversarial/digits-plain", "adversarial/digits-pgm-2")
    }


@pytest.fixture
def pressed(monkeypatch):
    """Ctrl-C is pressed in the first step, once."""
    usual = AdversarialTraining.inner_problem

    def press(task, batch):
        monkeypatch.setattr(AdversarialTraining, "inner_problem", usual)
        os.kill(os.getpid(), signal.SIGINT)
        return usual(task, batch)

    monkeypatch.setattr(AdversarialTraining, "inner_problem", press)


@pytest.fixture
def pretended(monkeypatch) -> Callable[[], list[str]]:
    """Attacks that nobody has to wait for; how the runs had ended that were attacked."""
    ended = []

    def pretend(run, **_):
        ended.append(status(run.folder))
        return {**run.identity, "clean": 1.0}

    monkeypatch.setattr(benchmark, "attack", pretend)
    return lambda: ended


def status(folder: Path) -> str:
    return json.loads((folder / "solution.json").read_text())["status"]


@pytest.mark.usefixtures("pressed")
class TestInterrupted:
    def test_the_demo_ends(self, two):
        announced: list[str] = []
        with pytest.raises(KeyboardInterrupt):
            run_demo(Path("demo"), announce=announced.append, presets=two)
        assert announced == ["training 1 of 2: Plain"]
        assert not Path("demo/results.json").exists()

    def test_a_trial_of_tuning_gives_no_row(self):
        with pytest.raises(KeyboardInterrupt):
            measure(next(trials(10)), digits())

    def test_a_benchmark_ends_and_trains_the_run_that_was_interrupted_anew(self, two, pretended):
        announced: list[str] = []

        def play() -> Path:
            announced.clear()
            return benchmark.benchmark_digits(
                Path("results"),
                announce=announced.append,
                workers=1,
                presets=two,
                seeds=(0,),
                runs=Path("runs"),
            )

        with pytest.raises(KeyboardInterrupt):
            play()
        assert status(Path("runs/plain-0")) == "interrupted"
        assert not pretended()
        file = play()
        assert "seed 0: training Plain" in announced
        assert pretended() == ["completed", "completed"]
        assert [row["method"] for row in read_rows(file)] == ["plain", "pgm-2"]
        play()
        assert not any("training" in words for words in announced)


class TestDemo:
    def test_trains_attacks_and_writes_rows_in_the_order_of_the_table(self, two, monkeypatch):
        measured_briefly(monkeypatch)
        undrawn(monkeypatch)
        sections = run_demo(Path("demo"), announce=print, presets=two, images=8, workers=1)
        rows = read_rows(Path("demo/results.json"))
        assert [(row["method"], row["images"], row["epochs"]) for row in rows] == [("plain", 8, 2), ("pgm-2", 8, 2)]
        assert [part.title for part in sections if part.brief is not None] == ["Robustness"]
        assert {path.name for path in Path("demo").iterdir()} == {"plain", "pgm-2", "results.json"}

    def test_has_every_method_of_the_table_and_a_light_budget(self):
        assert len(LIGHT) == 7
        assert {preset.epochs for preset in LIGHT.values()} == {20}


class TestAttacking:
    def test_warnings_name_the_run(self, two, monkeypatch):
        def evaluate_run(*_, **__):
            warnings.warn("odd.", stacklevel=1)
            return {"rows": [{"clean": 1.0}]}

        monkeypatch.setattr(trained, "evaluate_run", evaluate_run)
        name, preset = next(iter(two.items()))
        with pytest.warns(UserWarning, match=rf"^{name} in runs/plain: odd\.$"):
            assert trained.attack(trained.Trained(name, preset, Path("runs/plain")), tier="quick") == {"clean": 1.0}


class TestTuning:
    def test_every_trial_is_told_from_every_other(self):
        every = [trial for seed in RECIPE_SEEDS for trial in trials(seed)]
        assert len({json.dumps(dict(trial.identity)) for trial in every}) == len(set(every))

    def test_the_stored_trials_are_these(self):
        every = list(dict.fromkeys(trial for seed in RECIPE_SEEDS for trial in trials(seed)))
        assert missing(RESULTS / "digits-tuning.json", every) == []
        assert len(read_rows(RESULTS / "digits-tuning.json")) == len(every)

    @pytest.mark.parametrize("trial", [Trial("pgm-2", 0.5, 1.0, "train", 10), Trial("plain", 0.0, 0.0, "eval", 10)])
    def test_a_trial_has_the_optimizer_it_says(self, trial):
        optimizer = trial.optimizer()
        assert optimizer.random_start == trial.random_start
        if trial.step_size:
            assert optimizer.step_size == trial.step_size * trial.eps
