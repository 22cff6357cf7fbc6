"""The command line: exit codes, sentences, and that nothing on disk is lost."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from minimax_l2l import cli
from minimax_l2l.families import Section, Settings, load_families
from tasks.adversarial import AdversarialTraining, PerturbationProblem
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import BRIEF, brief
from tasks.adversarial.presets.runs import evaluate_run

PRESET = "adversarial/digits-grad-l2l"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A working directory of its own, a terminal of 80 columns, and light evaluations."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(
        "tasks.adversarial.presets.family.evaluate_run",
        functools.partial(evaluate_run, tier="quick", images=12, curves=False),
    )


@pytest.fixture
def run(capsys):
    """Run a command; exit code, standard output, standard error with its lines joined."""

    def call(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, " ".join(captured.err.split())

    return call


def archive(path: str | Path = "mine.npz", **changes: np.ndarray) -> Path:
    """Images of one's own: 60 and 20 of 8 x 8 bytes in 4 classes."""
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (60, 8, 8)).astype(np.uint8),
        "y_train": np.arange(60) % 4,
        "x_test": random.integers(0, 256, (20, 8, 8)).astype(np.uint8),
        "y_test": np.arange(20) % 4,
    }
    np.savez(path, **{**arrays, **changes})
    return Path(path)


def files(folder: Path | str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A run on images of one's own, two steps long, and the same one evaluated; made once and copied."""
    home = tmp_path_factory.mktemp("originals")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert (
            cli.main(
                ["solve", PRESET, "--out", "mine", "--data", str(archive()), "--epochs", "2", "--device", "cpu"]
            )
            == 0
        )
        shutil.copytree("mine", "measured")
        evaluate_run(Path("measured"), Settings(data=Path("mine.npz")), tier="quick", images=12)
    return home


@pytest.fixture
def solved(originals):
    shutil.copy(originals / "mine.npz", "mine.npz")
    return shutil.copytree(originals / "mine", Path("mine"))


@pytest.fixture
def measured(originals):
    shutil.copy(originals / "mine.npz", "mine.npz")
    return shutil.copytree(originals / "measured", Path("mine"))


class TestPresets:
    def test_lists_all_of_them_whole(self, run):
        code, out, _ = run("presets")
        assert code == 0
        known = [name for family in load_families().values() for name in family.presets()]
        assert len(known) >= 11
        assert all(re.search(rf"│ {re.escape(name)} +│", out) for name in known)
        assert max(map(len, out.splitlines())) <= 80

    def test_of_names_that_the_documentation_fixes(self, run):
        out = run("presets")[1]
        for method in ("plain", "fgsm-rs", "pgm-2", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l"):
            assert f"adversarial/digits-{method} " in out


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["solev"],
            ["solve"],
            ["solve", PRESET, "--epochs", "many"],
            ["solve", PRESET, "--no-such-option", "1"],
            ["solve", PRESET, "--eps", "small"],
            ["evaluate"],
            ["report", "--out"],
        ],
        ids=" ".join,
    )
    def test_wrong_usage_is_2(self, words, capsys):
        with pytest.raises(SystemExit) as exit:
            cli.main(words)
        assert exit.value.code == 2
        assert capsys.readouterr().err

    @pytest.mark.parametrize("words", [["--help"], ["solve", "--help"], ["report", "--help"]], ids=" ".join)
    def test_help_is_0(self, words, capsys):
        with pytest.raises(SystemExit) as exit:
            cli.main(words)
        assert exit.value.code == 0
        assert capsys.readouterr().out

    def test_every_command_that_the_design_names(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["--help"])
        out = capsys.readouterr().out
        assert all(name in out for name in ("demo", "presets", "solve", "evaluate", "report", "benchmark"))


class TestSolve:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["adversarial/digits-grad-l2"], "there is no preset 'adversarial/digits-grad-l2'; did you mean"),
            (["adversarial/digit-pgm10"], "did you mean 'adversarial/digits-pgm-10'?"),
            (["xyz"], "there is no preset 'xyz'"),
            ([PRESET, "--eps", "0"], "eps must be a finite number above 0, got 0.0"),
            ([PRESET, "--eps=-0.1"], "eps must be a finite number above 0, got -0.1"),
            ([PRESET, "--eps", "nan"], "eps must be a finite number above 0, got nan"),
            ([PRESET, "--eps", "inf"], "eps must be a finite number above 0, got inf"),
            ([PRESET, "--epochs", "0"], "epochs must be at least 1, got 0"),
            (
                [PRESET, "--inner-steps=-1"],
                "--inner-steps must be at least 1, got -1; pass --inner-steps=1 or more",
            ),
            ([PRESET, "--inner-steps", "0"], "--inner-steps must be at least 1, got 0"),
            (["adversarial/digits-plain", "--inner-steps=-1"], "--inner-steps must be at least 0, got -1"),
            (["adversarial/digits-plain", "--inner-steps", "2"], "takes no inner steps, got 2"),
            (["adversarial/digits-fgsm-rs", "--inner-steps", "2"], "always takes 1 inner steps, got 2"),
            ([PRESET, "--seed=-1"], "seed must be at least 0, got -1"),
            ([PRESET, "--seed", str(10**20)], "seed must lie below 4294967296"),
            ([PRESET, "--device", "tpu"], "there is no device 'tpu'; choose auto, cpu, cuda or cuda:N"),
            ([PRESET, "--data", "nowhere.npz"], "there is no file nowhere.npz; give a NumPy archive"),
            (["games/limit-cycle-rnn-l2l", "--eps", "0.1"], "has no eps; leave --eps out"),
            (["games/limit-cycle-rnn-l2l", "--inner-steps", "3"], "--inner-steps must be at least 16, got 3"),
        ],
    )
    def test_settings_that_make_no_sense(self, words, sentence, run):
        code, out, err = run("solve", *words, "--out", "run")
        assert (code, out) == (1, "")
        assert sentence in err
        assert err.startswith("minimax-l2l: ")
        assert err.endswith((".", "?"))
        assert not Path("run").exists()

    def test_cuda_where_there_is_none(self, run, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        code, _, err = run("solve", PRESET, "--device", "cuda", "--out", "run")
        assert code == 1
        assert "torch sees no CUDA device; choose auto or cpu" in err
        assert not Path("run").exists()

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"x_train": np.full((60, 8, 8), 2.0)}, "images must lie in [0, 1], got values from 2 to 2"),
            ({"x_train": np.full((60, 8, 8), -0.5)}, "images must lie in [0, 1], got values from -0.5"),
            ({"x_test": np.full((20, 8, 8), np.nan)}, "20 of 20 images hold NaN pixels"),
            ({"y_train": np.arange(60) % 4 - 1}, "training labels must lie in 0 ... 2 for 3 classes"),
            ({"y_train": np.full(60, 999)}, "number the classes from 0 without gaps"),
            ({"y_train": np.arange(60) / 4}, "labels y_train must be whole numbers, got an array of float64"),
            ({"y_test": np.arange(20) > 3}, "labels y_test must be whole numbers, got an array of bool"),
            ({"x_train": np.zeros((60, 7, 7), np.uint8), "x_test": np.zeros((20, 7, 7), np.uint8)}, "must be even"),
        ],
    )
    def test_data_that_make_no_sense(self, changes, sentence, run):
        code, _, err = run("solve", PRESET, "--data", archive(**changes), "--out", "run")
        assert code == 1
        assert sentence in err
        assert not Path("run").exists()

    def test_odd_sides_suit_attackers_that_halve_nothing(self, run):
        data = archive(x_train=np.zeros((60, 7, 7), np.uint8), x_test=np.zeros((20, 7, 7), np.uint8))
        words = ("--data", data, "--epochs", "1", "--out", "run")
        assert run("solve", "adversarial/digits-pgm-2", *words)[0] == 0

    def test_damaged_data(self, run):
        Path("mine.npz").write_bytes(archive("whole.npz").read_bytes()[:500])
        code, _, err = run("solve", PRESET, "--data", "mine.npz", "--out", "run")
        assert code == 1
        assert "mine.npz is no readable NumPy archive" in err

    def test_out_that_is_a_file(self, run):
        Path("mine").write_text("precious")
        for out in ("mine", "mine/run"):
            code, _, err = run("solve", PRESET, "--data", archive(), "--out", out)
            assert code == 1
            assert "mine is a file, a run needs a folder; choose another --out" in err
        assert Path("mine").read_text() == "precious"

    def test_writes_the_folder_that_the_design_fixes(self, solved):
        assert {path.name for path in solved.iterdir()} == {
            "config.json",
            "metrics.jsonl",
            "checkpoint",
            "model",
            "optimizer",
            "solution.json",
            "tensorboard",
        }
        config = json.loads((solved / "config.json").read_text())
        assert (config["preset"], config["seed"], config["data"]) == (PRESET, 0, "mine")
        assert config["settings"] == {"seed": 0, "data": "mine.npz", "epochs": 2}
        assert "data_sha256" not in config["environment"]
        assert str(Path.cwd()) not in (solved / "config.json").read_text()

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_writes_tensorboard_events(self, solved):
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        events = accumulator.EventAccumulator(str(solved / "tensorboard"))
        events.Reload()
        assert "validation_pgm_10" in events.Tags()["scalars"]
        assert [event.step for event in events.Scalars("objective")] == [1, 2]

    def test_says_where_it_is(self, run):
        code, out, _ = run("solve", PRESET, "--data", archive(), "--epochs", "1", "--seed", "3")
        assert code == 0
        assert "The run went through all its batches. 1 steps" in out
        assert out.strip().endswith(f"in runs/{PRESET}/seed-3")
        assert Path(f"runs/{PRESET}/seed-3/model/model.safetensors").is_file()

    def test_a_folder_may_have_any_name(self, run):
        code, out, _ = run("solve", PRESET, "--data", archive(), "--epochs", "1", "--out", "a [/b] :smile:")
        assert code == 0
        assert "in a [/b] :smile:" in out
        code, out, _ = run("evaluate", "a [/b] :smile:", "--data", "mine.npz")
        assert code == 0

    def test_an_existing_run_is_left_alone(self, run, solved):
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", "--epochs", "2")
        assert code == 1
        assert "mine holds a run already; pass --resume to go on with it, or choose another --out" in err
        assert files(solved) == before

    @pytest.mark.parametrize("name", ["model", "metrics.jsonl", "checkpoint"])
    def test_somebody_elses_files_are_left_alone(self, name, run):
        folder = Path("project")
        (folder / "model").mkdir(parents=True)
        precious = folder / name / "weights" if name != "metrics.jsonl" else folder / name
        precious.parent.mkdir(exist_ok=True)
        precious.write_text("precious")
        before = files(folder)
        code, _, err = run("solve", PRESET, "--data", archive(), "--epochs", "1", "--out", folder)
        assert code == 1
        assert "so it is not a run that may be replaced; choose another --out" in err
        assert files(folder) == before

    @pytest.mark.parametrize(
        ("more", "named"), [(["--epochs", "3"], "settings="), (["--epochs", "2", "--seed", "1"], "seed=0")]
    )
    def test_resuming_with_other_settings_is_refused(self, more, named, run, solved):
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", *more, "--resume")
        assert code == 1
        assert f"mine was run with {named}" in err
        assert "resume it with the settings it was made with" in err
        assert files(solved) == before

    def test_resuming_another_preset_is_refused(self, run, solved):
        code, _, err = run(
            "solve", "adversarial/digits-pgm-10", "--out", solved, "--data", "mine.npz", "--epochs", "2", "--resume"
        )
        assert code == 1
        assert f"mine was run with preset='{PRESET}'" in err

    def test_resuming_with_other_data_is_refused(self, run, solved):
        archive(y_train=(np.arange(60) + 1) % 4)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", "--epochs", "2", "--resume")
        assert code == 1
        assert "mine was run with data_sha256=" in err

    def test_resuming_a_folder_that_is_no_run(self, run):
        Path("empty").mkdir()
        code, _, err = run("solve", PRESET, "--out", "empty", "--data", archive(), "--resume")
        assert code == 1
        assert "empty holds no config.json, so it is not a run" in err

    def test_resuming_what_is_not_there_leaves_nothing_behind(self, run):
        code, _, err = run("solve", PRESET, "--out", "missing/run", "--data", archive(), "--resume")
        assert code == 1
        assert "missing/run holds no config.json, so it is not a run" in err
        assert not Path("missing").exists()

    def test_resuming_a_damaged_checkpoint(self, run, solved):
        checkpoint = solved / "checkpoint" / "state.pt"
        checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", "--epochs", "2", "--resume")
        assert code == 1
        assert "state.pt cannot be read" in err
        assert files(solved) == before

    def test_a_run_that_was_killed_before_its_first_checkpoint_can_be_resumed(self, run, solved, monkeypatch):
        class Killed(BaseException):
            pass

        def die(*_):
            raise Killed

        words = ("solve", PRESET, "--data", "mine.npz", "--epochs", "2", "--out", "killed")
        with monkeypatch.context() as patch:
            patch.setattr(PerturbationProblem, "objective", die)
            with pytest.raises(Killed):
                run(*words)
        assert not Path("killed/checkpoint").exists()
        assert run(*words)[0] == 1
        assert run(*words, "--resume")[0] == 0
        assert (
            Path("killed/model/model.safetensors").read_bytes() == (solved / "model/model.safetensors").read_bytes()
        )

    def test_ctrl_c_is_130_and_resuming_ends_as_if_nothing_had_happened(self, run, solved, monkeypatch):
        words = ("solve", PRESET, "--data", "mine.npz", "--epochs", "2", "--out", "stopped")
        with monkeypatch.context() as patch:
            patch.setattr(AdversarialTraining, "validate", lambda *_: os.kill(os.getpid(), signal.SIGINT) or {})
            code, out, _ = run(*words)
        assert code == 130
        assert "The run was interrupted; resume it to go on. 1 steps" in out
        assert run(*words, "--resume")[0] == 0
        for part in ("model", "optimizer"):
            name = f"{part}/model.safetensors"
            assert (Path("stopped") / name).read_bytes() == (solved / name).read_bytes()

    def test_ctrl_c_before_the_first_step_is_130(self, run, monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(AdversarialTraining, "outer_optimizer", interrupt)
        code, _, err = run("solve", PRESET, "--data", archive(), "--epochs", "1")
        assert (code, err) == (130, "minimax-l2l: interrupted.")

    def test_an_objective_that_leaves_the_numbers(self, run, monkeypatch):
        usual = PerturbationProblem.objective
        monkeypatch.setattr(PerturbationProblem, "objective", lambda self, y: usual(self, y) * torch.nan)
        code, _, err = run("solve", PRESET, "--data", archive(), "--epochs", "1")
        assert code == 1
        assert "the objective became nan, so neither player has a step to take" in err


class TestEvaluate:
    def test_writes_the_row_that_the_design_fixes(self, run, solved):
        code, out, _ = run("evaluate", solved, "--data", "mine.npz")
        assert code == 0
        result = json.loads((solved / "evaluation.json").read_text())
        (row,) = result["rows"]
        assert {
            "method": "grad-l2l",
            "seed": 0,
            "data": "mine",
            "attacker": "LearnedOptimizer",
            "epochs": 2,
            "eps": 0.15,
            "images": 12,
        }.items() <= row.items()
        accuracies = (
            "clean",
            "fgsm",
            "pgm_20",
            "pgm_100",
            "cw_100",
            "own_attacker",
            "autoattack_quick",
            "worst_case",
        )
        assert all(0 <= row[name] <= 1 for name in accuracies)
        counts = ("forward_passes", "input_gradient_passes", "weight_gradient_passes", "flops")
        assert all(isinstance(row[name], int) for name in counts)
        assert row["train_seconds"] > 0
        assert set(result["environment"]) >= {"versions", "machine", "command", "commit", "date"}
        assert str(Path.cwd()) not in (solved / "evaluation.json").read_text()
        assert all(name in out for name in row)
        assert max(map(len, out.splitlines())) <= 80

    def test_twice_gives_the_same(self, run, measured):
        first = json.loads((measured / "evaluation.json").read_text())
        assert run("evaluate", measured, "--data", "mine.npz")[0] == 0
        assert json.loads((measured / "evaluation.json").read_text())["rows"] == first["rows"]

    @pytest.mark.parametrize("command", ["evaluate", "report"])
    def test_no_run(self, command, run):
        Path("empty").mkdir()
        code, _, err = run(command, "empty")
        assert code == 1
        assert "empty holds no config.json, so it is not a run; give a folder that `minimax-l2l solve` wrote" in err
        code, _, err = run(command, "nowhere")
        assert code == 1
        assert "there is no folder nowhere; give one that `minimax-l2l solve` wrote" in err

    def damage_config(self, folder):
        (folder / "config.json").write_text('{"preset": "adv')

    def empty_config(self, folder):
        (folder / "config.json").write_text("{}")

    def partial_config(self, folder):
        (folder / "config.json").write_text(json.dumps({"preset": PRESET}))

    def strange_config(self, folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"method": ["grad-l2l"]}))

    def truncate_model(self, folder):
        weights = folder / "model" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:200])

    def lose_a_tensor(self, folder):
        weights = folder / "model" / "model.safetensors"
        tensors = load_file(weights)
        del tensors["last.weight"]
        save_file(tensors, weights)

    def damage_model_config(self, folder):
        (folder / "model" / "config.json").write_text("{")

    def lose_model(self, folder):
        (folder / "model").rename("elsewhere")

    def lose_weights(self, folder):
        (folder / "model" / "model.safetensors").unlink()

    def lose_optimizer(self, folder):
        (folder / "optimizer").rename("elsewhere")

    def truncate_optimizer(self, folder):
        weights = folder / "optimizer" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])

    def damage_optimizer_config(self, folder):
        (folder / "optimizer" / "config.json").write_text("[]")

    def interrupt(self, folder):
        solution = json.loads((folder / "solution.json").read_text())
        (folder / "solution.json").write_text(json.dumps(solution | {"status": "interrupted", "steps": 1}))

    def lose_solution(self, folder):
        (folder / "solution.json").unlink()

    def empty_solution(self, folder):
        (folder / "solution.json").write_text("{}")

    @pytest.mark.parametrize(
        ("damage", "sentence"),
        [
            (damage_config, "config.json cannot be read"),
            (empty_config, "config.json names no preset, so it is not of a whole run; solve it again"),
            (partial_config, "config.json lacks method, seed, data"),
            (strange_config, "there is no method"),
            (truncate_model, "mine holds a damaged run (SafetensorError"),
            (lose_a_tensor, "mine holds a damaged run (RuntimeError"),
            (damage_model_config, "mine holds a damaged run (JSONDecodeError"),
            (lose_model, "mine holds no model"),
            (lose_weights, "mine holds a damaged run (FileNotFoundError"),
            (lose_optimizer, "mine holds no optimizer"),
            (truncate_optimizer, "mine/optimizer is no whole saved optimizer"),
            (damage_optimizer_config, "mine"),
            (interrupt, "mine holds a run that was interrupted after 1 steps; finish it with"),
            (lose_solution, "mine holds no solution.json"),
            (empty_solution, "solution.json lacks status, steps, seconds, passes"),
        ],
    )
    def test_damaged_runs(self, damage, sentence, run, solved):
        damage(self, solved)
        before = files(solved)
        code, _, err = run("evaluate", solved, "--data", "mine.npz")
        assert code == 1
        assert sentence in err
        assert err.endswith((".", "?"))
        assert files(solved) == before

    def test_a_damaged_game(self, run):
        folder = Path("game")
        (folder / "optimizer").mkdir(parents=True)
        (folder / "config.json").write_text('{"preset": "games/limit-cycle-rnn-l2l"}')
        (folder / "solution.json").write_text('{"seconds": 1.0, "passes": {}}')
        (folder / "optimizer" / "config.json").write_text("{}")
        code, _, err = run("evaluate", folder)
        assert code == 1
        assert "game/optimizer is damaged (FileNotFoundError in reading it); solve it again" in err

    def test_data_of_ones_own_must_be_named(self, run, solved):
        code, _, err = run("evaluate", solved)
        assert code == 1
        assert "this run was trained on 'mine'; name its file with --data" in err

    def test_other_data_than_it_was_trained_on(self, run, solved):
        archive(y_test=np.zeros(20, np.int64))
        code, _, err = run("evaluate", solved, "--data", "mine.npz")
        assert code == 1
        assert "trained on other data than 'mine' as it is now (their checksums differ)" in err


class TestReport:
    def test_is_one_page(self, run, measured):
        code, out, _ = run("report", measured, "--out", "pages/page.html", "--data", "mine.npz")
        assert (code, out.strip()) == (0, "report: pages/page.html")
        page = Path("pages/page.html").read_text()
        assert page.count("<svg") == 5
        assert "Grad L2L" in page

    def test_data_of_ones_own_must_be_named(self, run, measured):
        code, _, err = run("report", measured)
        assert code == 1
        assert "this run was trained on 'mine'; name its file with --data" in err

    def test_of_a_run_that_was_not_evaluated(self, run, solved):
        code, _, err = run("report", solved)
        assert code == 1
        assert "mine has not been evaluated; run `minimax-l2l evaluate mine` first" in err
        assert not Path("report.html").exists()

    def test_of_a_run_without_metrics(self, run, measured):
        (measured / "metrics.jsonl").unlink()
        code, _, err = run("report", measured, "--data", "mine.npz")
        assert code == 1
        assert "mine/metrics.jsonl cannot be read, there is no such file; start again in another folder" in err

    def test_of_a_run_without_a_preset(self, run, measured):
        (measured / "config.json").write_text("{}")
        code, _, err = run("report", measured, "--data", "mine.npz")
        assert code == 1
        assert "mine/config.json names no preset" in err

    @pytest.mark.parametrize("content", ["{}", '{"rows": []}', "[", '{"rows": [{}], "environment": {}}'])
    def test_of_a_damaged_evaluation(self, content, run, measured):
        (measured / "evaluation.json").write_text(content)
        code, _, err = run("report", measured)
        assert code == 1
        assert "evaluation.json" in err
        assert err.endswith("again.")

    def test_of_nothing(self, run):
        code, _, err = run("report")
        assert code == 1
        assert "a report needs at least one run's folder" in err

    def test_out_that_is_a_folder(self, run, measured):
        Path("pages").mkdir()
        code, _, err = run("report", measured, "--out", "pages", "--data", "mine.npz")
        assert code == 1
        assert "pages is a folder, a report needs a file name; pass --out pages/report.html" in err

    def test_in_a_folder_that_is_a_file(self, run, measured):
        Path("file").write_text("precious")
        code, _, err = run("report", measured, "--out", "file/page.html", "--data", "mine.npz")
        assert code == 1
        assert "file" in err
        assert Path("file").read_text() == "precious"


class TestMissingExtras:
    @pytest.mark.parametrize(
        ("module", "words", "extra"),
        [
            ("sklearn", ["solve", PRESET], "vision"),
            ("pyautoattack", ["evaluate", "mine", "--data", "mine.npz"], "vision"),
            ("matplotlib", ["report", "mine", "--data", "mine.npz"], "report"),
            ("jinja2", ["report", "mine", "--data", "mine.npz"], "report"),
            *((module, ["demo"], "vision") for module in ("sklearn", "pyautoattack")),
            *((module, ["demo"], "report") for module in ("matplotlib", "jinja2")),
        ],
    )
    def test_names_the_command_that_installs_it(self, module, words, extra, run, measured, monkeypatch):
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.setattr(
            "tasks.adversarial.experiments.demo.solve_preset", lambda *_, **__: pytest.fail("trained first")
        )
        monkeypatch.setattr("tasks.adversarial.presets.pages.load_run", lambda *_: pytest.fail("drew first"))
        code, _, err = run(*words)
        assert code == 1
        assert f'needs {module}, which is not installed; install it with: pip install "minimax-l2l[{extra}]"' in err


class TestBenchmark:
    def test_an_unknown_one(self, run):
        code, _, err = run("benchmark", "digit")
        assert code == 1
        assert "there is no benchmark 'digit'; did you mean 'digits'?" in err


class Shown:
    """A family whose demo is over at once."""

    def __init__(self, sections) -> None:
        self.given = sections

    def presets(self):
        return {"shown/one": "one"}

    def demo(self, out, announce):
        announce("half way")
        return self.given


def full_rows() -> dict[Line, dict[str, object]]:
    """A row as wide as rows get, for every method."""
    accuracies = dict.fromkeys(BRIEF, 0.98765)
    counts = {"forward_passes": 137940, "input_gradient_passes": 137940, "weight_gradient_passes": 12540}
    row = {**accuracies, "train_seconds": 1234.56, **counts}
    return {Line(method.title, name): {**row} for name, method in METHODS.items()}


class TestTables:
    def test_the_demo_prints_a_table_that_fits_and_says_where_the_report_is(self, run, monkeypatch):
        rows = {line: row for line, row in full_rows().items() if not line.method.startswith("remembered")}
        for row in rows.values():
            del row["autoattack"]
        section = Section("Robustness", "Per cent of [images].", brief=brief(rows))
        monkeypatch.setattr(cli, "load_families", lambda: {"none": Shown(None), "shown": Shown([section])})
        code, out, _ = run("demo", "--out", "demo")
        assert code == 0
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in out
        for run_line in rows:
            (line,) = (line for line in lines if line.startswith(f"│ {run_line.title} "))
            assert line.count("98.8") == len(BRIEF) - 1
            assert line.endswith("11/11/1 │")
        assert "Per cent of [images]." in out
        assert lines[-1] == "report: demo/report.html"
        assert Path("demo/report.html").is_file()

    def test_no_demo(self, run, monkeypatch):
        monkeypatch.setattr(cli, "load_families", lambda: {"none": Shown(None)})
        code, _, err = run("demo")
        assert code == 1
        assert "no installed package brings a demo" in err


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "minimax_l2l", *words]


class TestProcess:
    """The same through a real process, where signals and exit codes are the system's."""

    @pytest.fixture(autouse=True)
    def one_thread(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def test_failed_with_a_sentence_is_1(self):
        done = subprocess.run(command("solve", "adversarial/digits-gradl2l"), capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.strip() == (
            "minimax-l2l: there is no preset 'adversarial/digits-gradl2l'; "
            "did you mean 'adversarial/digits-grad-l2l'?"
        )

    def test_ctrl_c_is_130_and_resume_ends_bit_identical(self, run):
        words = ("solve", PRESET, "--epochs", "3", "--device", "cpu")
        assert run(*words, "--out", "straight")[0] == 0
        process = subprocess.Popen(
            command(*words, "--out", "stopped"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        metrics = Path("stopped/metrics.jsonl")
        while not (metrics.exists() and metrics.read_text()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, "Traceback" in err) == (130, False)
        assert "The run was interrupted; resume it to go on." in out
        assert 0 < json.loads(Path("stopped/solution.json").read_text())["steps"] < 57
        assert run(*words, "--out", "stopped", "--resume")[0] == 0
        for name in ("model/model.safetensors", "optimizer/model.safetensors"):
            assert Path("stopped", name).read_bytes() == Path("straight", name).read_bytes()
        rows = []
        for folder in ("straight", "stopped"):
            lines = Path(folder, "metrics.jsonl").read_text().splitlines()
            rows.append([{**json.loads(line), "seconds": None} for line in lines])
        assert rows[0] == rows[1]
        assert len(rows[0]) >= 5
