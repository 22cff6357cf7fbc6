"""`minimax-l2l solve`: exit codes, sentences, and that nothing on disk is lost."""

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import files
from own_images import archive

from minimax_l2l import cli
from minimax_l2l.lab.family import load_families
from tasks.adversarial import AdversarialTraining, PerturbationProblem
from tasks.adversarial.presets.digits import DIGITS

PRESET = "adversarial/digits-grad-l2l"
RUN_OPTIONS = {"--help", "--out", "--device", "--resume", "--no-resume"}
SGD = {"--classifier", "--epochs", "--batch-size", "--learning-rate", "--schedule", "--momentum", "--weight-decay"}
DATA = {"--seed", "--data", "--dataset", "--eps", "--train-images", "--crop", "--flip", "--no-flip"}
REGIME = {
    "--label-smoothing",
    "--weight-averaging",
    "--early-stopping",
    "--no-early-stopping",
    "--warm-up",
    "--precision",
}
TRAINING = DATA | SGD | REGIME | {"--attacker-width", "--step-size", "--validate-every"}


@pytest.fixture
def options(capsys):
    """The options that a preset's help shows."""

    def call(preset: str) -> set[str]:
        with pytest.raises(SystemExit) as exit:
            cli.main(["solve", preset, "--help"])
        assert exit.value.code == 0
        return set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))

    return call


class TestHelp:
    def test_shows_a_presets_own_settings_and_those_of_a_run(self, options):
        assert options("adversarial/digits-pgm-10") == RUN_OPTIONS | TRAINING | {"--inner-steps"}
        assert options("adversarial/digits-grad-l2l") == RUN_OPTIONS | TRAINING | {"--inner-steps", "--attacker"}

    @pytest.mark.parametrize("method", ["plain", "fgsm-rs", "remembered-fgsm"])
    def test_of_a_method_whose_steps_are_its_own_has_no_inner_steps(self, method, options):
        assert options(f"adversarial/digits-{method}") == RUN_OPTIONS | TRAINING

    def test_of_games_has_no_eps(self, options):
        own = {"--seed", "--iterations", "--games", "--inner-steps"}
        assert options("games/limit-cycle-rnn-l2l") == RUN_OPTIONS | own

    def test_says_defaults_and_units(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "160")
        with pytest.raises(SystemExit):
            cli.main(["solve", "adversarial/digits-pgm-10", "--help"])
        out = capsys.readouterr().out
        assert "other data need one. (default: None)" in out
        assert "steps of the attacker on each batch. (default: 10)" in out
        assert "minimax-l2l solve adversarial/digits-pgm-10" in out

    def test_explains_every_setting_of_every_preset(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "300")
        seen = set()
        for family in load_families().values():
            for name, preset in family.presets.items():
                if type(preset) not in seen:
                    seen.add(type(preset))
                    with pytest.raises(SystemExit):
                        cli.main(["solve", name, "--help"])
                    out = capsys.readouterr().out
                    for setting in preset.settings():
                        flag = f"--{setting.replace('_', '-')}"
                        assert re.search(rf"{flag}\b[^│]* {{2,}}\S.*\(default: ", out), (name, flag)
        assert len(seen) >= 3

    def test_hidden_fields_cannot_be_set(self):
        with pytest.raises(SystemExit) as exit:
            cli.main(["solve", PRESET, "--method", "plain"])
        assert exit.value.code == 2

    @pytest.mark.parametrize(
        ("words", "settings"),
        [
            (["adversarial/digits-plain", "--inner-steps", "2"], "--inner-steps"),
            (["games/limit-cycle-rnn-l2l", "--eps", "0.1"], "--eps"),
        ],
    )
    def test_what_help_does_not_show_is_wrong_usage(self, words, settings, capsys):
        with pytest.raises(SystemExit) as exit:
            cli.main(["solve", *words])
        assert exit.value.code == 2
        assert settings in capsys.readouterr().err


class TestRadius:
    """A radius belongs to a data set."""

    @pytest.mark.parametrize(
        ("file", "eps"),
        [
            ("cifar10.npz", 8 / 255),
            ("CIFAR-100.npz", 8 / 255),
            ("svhn.npz", 8 / 255),
            ("fashion_mnist.npz", 0.1),
            ("Fashion-MNIST.npz", 0.1),
            ("mnist.npz", 0.3),
        ],
    )
    def test_of_known_data_is_the_usual_one(self, file, eps, run):
        archive(file)
        assert run("solve", "adversarial/digits-plain", "--data", file, "--epochs", "1", "--out", "run")[0] == 0
        assert json.loads(Path("run/config.json").read_text())["settings"]["eps"] == eps
        task = json.loads(Path("run/config.json").read_text())["game"]["task"]
        assert task["threat"]["eps"] == eps

    @pytest.mark.parametrize("file", ["mine.npz", "digits2.npz", "cifar.npz", "my_cifar10.npz"])
    def test_of_others_must_be_given(self, file, run):
        archive(file)
        code, _, err = run("solve", "adversarial/digits-plain", "--data", file, "--epochs", "1", "--out", "run")
        assert code == 1
        assert "--eps belongs to a data set, and no usual one is known for" in err
        assert not Path("run").exists()

    def test_may_be_a_fraction(self, run):
        words = "--data", archive(), "--epochs", "1", "--eps", "8/255", "--out", "run"
        assert run("solve", "adversarial/digits-plain", *words)[0] == 0
        assert json.loads(Path("run/config.json").read_text())["settings"]["eps"] == 8 / 255

    def test_may_be_left_out_by_name(self, run):
        words = "--data", archive("cifar10.npz"), "--epochs", "1", "--eps", "None", "--out", "run"
        assert run("solve", "adversarial/digits-plain", *words)[0] == 0
        assert json.loads(Path("run/config.json").read_text())["settings"]["eps"] == 8 / 255

    @pytest.mark.parametrize("number", ["8/0", "x", "1/x", "/"])
    def test_that_is_no_number(self, number, capsys):
        with pytest.raises(SystemExit) as end:
            cli.main(["solve", "adversarial/digits-plain", "--eps", number])
        assert end.value.code == 2
        assert f"'{number}' is no number; write 0.03 or 8/255, say." in capsys.readouterr().err

    def test_what_is_said_wins(self, run):
        archive("cifar10.npz")
        words = ("--data", "cifar10.npz", "--eps", "0.02", "--epochs", "1", "--out", "run")
        assert run("solve", "adversarial/digits-plain", *words)[0] == 0
        assert json.loads(Path("run/config.json").read_text())["settings"]["eps"] == 0.02

    def test_of_the_digits_stays(self):
        for preset in DIGITS.values():
            assert preset.radius == preset.settings()["eps"] == 0.15
        with pytest.raises(ValueError, match="eps belongs to a data set"):
            replace(DIGITS[PRESET], data=Path("mine.npz"))


class TestSolve:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["adversarial/digits-grad-l2"], "there is no preset 'adversarial/digits-grad-l2'; did you mean"),
            (["adversarial/digit-pgm10"], "did you mean 'adversarial/digits-pgm-10'?"),
            (["xyz"], "there is no preset 'xyz'"),
            ([PRESET, "--eps", "0"], "--eps must be a finite number above 0, got 0.0"),
            ([PRESET, "--eps=-0.1"], "--eps must be a finite number above 0, got -0.1"),
            ([PRESET, "--eps", "nan"], "--eps must be a finite number above 0, got nan"),
            ([PRESET, "--eps", "inf"], "--eps must be a finite number above 0, got inf"),
            ([PRESET, "--classifier", "resnet"], "there is no classifier 'resnet'; choose one of small-resnet, "),
            ([PRESET, "--classifier", "wrn-9-1"], "depth must be at least 10, got 9; pass depth=10 or more"),
            ([PRESET, "--classifier", "nowhere:make"], "ModuleNotFoundError: No module named 'nowhere'; name what"),
            ([PRESET, "--epochs", "0"], "--epochs must be at least 1, got 0"),
            (
                [PRESET, "--inner-steps=-1"],
                "--inner-steps must be at least 1, got -1; pass --inner-steps=1 or more",
            ),
            ([PRESET, "--inner-steps", "0"], "--inner-steps must be at least 1, got 0"),
            ([PRESET, "--batch-size", "0"], "--batch-size must be at least 1, got 0; pass --batch-size=1 or more"),
            ([PRESET, "--learning-rate", "0"], "--learning-rate must be a finite number above 0, got 0.0"),
            ([PRESET, "--momentum", "2"], "--momentum must lie in [0, 1], got 2.0"),
            ([PRESET, "--weight-decay=-1"], "--weight-decay must be a finite number from 0 on, got -1.0"),
            ([PRESET, "--seed=-1"], "--seed must be at least 0, got -1"),
            ([PRESET, "--seed", str(10**10)], "--seed must lie below 4294967296"),
            ([PRESET, "--device", "tpu"], "there is no device 'tpu'; choose auto, cpu, cuda or cuda:N"),
            (
                [PRESET, "--eps", "0.1", "--data", "nowhere.npz"],
                "there is no file or folder nowhere.npz; give a NumPy archive",
            ),
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
        code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", archive(**changes), "--out", "run")
        assert code == 1
        assert sentence in err
        assert not Path("run").exists()

    def test_odd_sides_suit_attackers_that_halve_nothing(self, run):
        data = archive(x_train=np.zeros((60, 7, 7), np.uint8), x_test=np.zeros((20, 7, 7), np.uint8))
        words = ("--eps", "0.15", "--data", data, "--epochs", "1", "--out", "run")
        assert run("solve", "adversarial/digits-pgm-2", *words)[0] == 0

    def test_damaged_data(self, run):
        Path("mine.npz").write_bytes(archive("whole.npz").read_bytes()[:500])
        code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", "mine.npz", "--out", "run")
        assert code == 1
        assert "mine.npz is no readable NumPy archive" in err

    def test_out_where_nothing_can_be(self, run):
        for words in (("solve", PRESET, "--eps", "0.15", "--data", archive()), ("demo",), ("benchmark", "digits")):
            code, _, err = run(*words, "--out", "/proc/x")
            assert code == 1
            assert "/proc/x cannot be written to (No such file or directory); choose another --out." in err

    def test_out_that_is_a_file(self, run):
        Path("mine").write_text("precious")
        for out in ("mine", "mine/run"):
            code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", archive(), "--out", out)
            assert code == 1
            assert "mine is a file, a run needs a folder; choose another --out" in err
        assert Path("mine").read_text() == "precious"

    def test_writes_the_folder_that_the_design_fixes(self, solved):
        assert {path.name for path in solved.iterdir()} == {
            "checksums.json",
            "config.json",
            "metrics.jsonl",
            "checkpoint",
            "model",
            "optimizer",
            "solution.json",
            "tensorboard",
        }
        config = json.loads((solved / "config.json").read_text())
        assert (config["preset"], config["method"], config["data"]) == (PRESET, "grad-l2l", "mine")
        assert config["settings"] == {
            "seed": 0,
            "data": "mine.npz",
            "dataset": None,
            "eps": 0.15,
            "classifier": "small-resnet",
            "train_images": None,
            "crop": 0,
            "flip": False,
            "epochs": 2,
            "batch_size": 64,
            "attacker_width": None,
            "step_size": None,
            "learning_rate": 0.1,
            "schedule": "one-cycle",
            "momentum": 0.9,
            "weight_decay": 0.002,
            "label_smoothing": 0.0,
            "weight_averaging": 0.0,
            "early_stopping": False,
            "warm_up": 0.0,
            "precision": "32-true",
            "validate_every": None,
            "inner_steps": 1,
            "attacker": "light",
        }
        assert "data_sha256" not in config["environment"]
        assert str(Path.cwd()) not in (solved / "config.json").read_text()

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_writes_tensorboard_events(self, solved):
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        events = accumulator.EventAccumulator(str(solved / "tensorboard"))
        events.Reload()
        assert "validation_pgm_10" in events.Tags()["scalars"]
        assert [event.step for event in events.Scalars("objective")] == [2]

    def test_says_where_it_is(self, run):
        code, out, _ = run("solve", PRESET, "--eps", "0.15", "--data", archive(), "--epochs", "1", "--seed", "3")
        assert code == 0
        assert "The run went through all its batches. 1 steps" in out
        where, measured = out.strip().splitlines()
        assert where.endswith(f"in runs/{PRESET}/seed-3")
        assert re.fullmatch(
            r"at the last validation: validation_clean 0\.\d+, validation_pgm_10 0\.\d+, attack_ratio \S+", measured
        )
        assert Path(f"runs/{PRESET}/seed-3/model/model.safetensors").is_file()

    def test_a_folder_may_have_any_name(self, run):
        code, out, _ = run(
            "solve", PRESET, "--eps", "0.15", "--data", archive(), "--epochs", "1", "--out", "a [/b] :smile:"
        )
        assert code == 0
        assert "in a [/b] :smile:" in out
        code, out, _ = run("evaluate", "a [/b] :smile:", "--data", "mine.npz")
        assert code == 0

    def test_an_existing_run_is_left_alone(self, run, solved):
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--eps", "0.15", "--data", "mine.npz", "--epochs", "2")
        assert code == 1
        assert "mine holds a run already; pass --resume to go on with it, or choose another --out" in err
        assert files(solved) == before

    def test_one_whose_checkpoint_is_gone_is_not_sent_in_a_circle(self, run, solved):
        (solved / "checkpoint").rename(solved / "lost")
        same = ("solve", PRESET, "--out", solved, "--eps", "0.15", "--data", "mine.npz", "--epochs", "2")
        for words, said in ((same, "a run already, without a checkpoint; "), ((*same, "--resume"), "was lost, ")):
            code, _, err = run(*words)
            assert code == 1
            assert f"{said}choose another --out." in err

    @pytest.mark.parametrize("name", ["model", "metrics.jsonl", "checkpoint"])
    def test_somebody_elses_files_are_left_alone(self, name, run):
        folder = Path("project")
        (folder / "model").mkdir(parents=True)
        precious = folder / name / "weights" if name != "metrics.jsonl" else folder / name
        precious.parent.mkdir(exist_ok=True)
        precious.write_text("precious")
        before = files(folder)
        code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", archive(), "--epochs", "1", "--out", folder)
        assert code == 1
        assert "which no run of this library wrote, so nothing is replaced; choose another --out" in err
        assert files(folder) == before

    @pytest.mark.parametrize(
        ("more", "named"), [(["--epochs", "3"], "epochs=2"), (["--epochs", "2", "--seed", "1"], "seed=0")]
    )
    def test_resuming_with_other_settings_is_refused(self, more, named, run, solved):
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", *more, "--resume")
        assert code == 1
        assert f"mine was run with {named}" in err
        assert "resume it with the settings it was made with" in err
        assert files(solved) == before

    def test_a_resumed_run_knows_its_settings(self, run, solved):
        before = files(solved)
        words = ("solve", PRESET, "--out", solved, "--data", "mine.npz", "--resume")
        for said in ((), ("--epochs", "2"), ("--eps", "0.15", "--seed", "0", "--inner-steps", "1")):
            code, out, _ = run(*words, *said)
            assert code == 0
            assert out.startswith("It had ended before, so nothing was done. 2 steps")
        assert files(solved) == before
        for said in ("--epochs=3", "--eps=0.1", "--seed=1", "--inner-steps=2", "--momentum=0", "--batch-size=8"):
            code, _, err = run(*words, said)
            assert code == 1
            assert f"mine was run with {said[2:].split('=')[0].replace('-', '_')}=" in err
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
        assert "mine was run with other values in data_sha256" in err

    def test_the_same_data_may_be_renamed(self, run, solved):
        Path("mine.npz").rename("yours.npz")
        words = ("solve", PRESET, "--out", solved, "--data", "yours.npz", "--resume")
        code, out, _ = run(*words)
        assert code == 0
        assert out.startswith("It had ended before, so nothing was done. 2 steps")
        archive("yours.npz", y_train=(np.arange(60) + 1) % 4)
        code, _, err = run(*words)
        assert code == 1
        assert "mine was run with other values in data_sha256" in err

    def test_resuming_a_folder_that_is_no_run(self, run):
        Path("empty").mkdir()
        code, _, err = run("solve", PRESET, "--out", "empty", "--data", archive(), "--resume")
        assert code == 1
        assert "empty holds no config.json, so it is not a run" in err

    def test_resuming_what_is_not_there_leaves_nothing_behind(self, run):
        code, _, err = run("solve", PRESET, "--out", "missing/run", "--data", archive(), "--resume")
        assert code == 1
        assert "there is no folder missing/run; give one that `minimax-l2l solve` wrote" in err
        assert not Path("missing").exists()

    def test_resuming_a_damaged_checkpoint(self, run, solved):
        checkpoint = solved / "checkpoint" / "state.pt"
        checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
        before = files(solved)
        code, _, err = run("solve", PRESET, "--out", solved, "--data", "mine.npz", "--epochs", "2", "--resume")
        assert code == 1
        assert "state.pt is not as this run wrote it: it is damaged" in err
        assert files(solved) == before

    def test_a_run_that_was_killed_before_its_first_checkpoint_can_be_resumed(self, run, solved, monkeypatch):
        class Killed(BaseException):
            pass

        def die(*_):
            raise Killed

        words = ("solve", PRESET, "--eps", "0.15", "--data", "mine.npz", "--epochs", "2", "--out", "killed")
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
        words = ("solve", PRESET, "--eps", "0.15", "--data", "mine.npz", "--epochs", "2", "--out", "stopped")
        with monkeypatch.context() as patch:
            patch.setattr(AdversarialTraining, "validate", lambda *_: os.kill(os.getpid(), signal.SIGINT) or {})
            patch.setattr("tasks.adversarial.presets.training._affordable", lambda *_: 1)
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
        code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", archive(), "--epochs", "1")
        assert (code, err) == (130, "minimax-l2l: interrupted.")

    def test_an_objective_that_leaves_the_numbers(self, run, monkeypatch):
        usual = PerturbationProblem.objective
        monkeypatch.setattr(PerturbationProblem, "objective", lambda self, y: usual(self, y) * torch.nan)
        code, _, err = run("solve", PRESET, "--eps", "0.15", "--data", archive(), "--epochs", "1")
        assert code == 1
        assert "became NaN or infinite, so neither player has a step to take" in err
