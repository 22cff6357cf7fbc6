"""Imitation through the command line: presets, runs, evaluations, pages, and what it refuses."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from folders import reseal
from sb3_contrib import TRPO

from minimax_l2l import cli
from minimax_l2l.lab.runs import play
from tasks.gail import GAIL, read_minari, record, write_minari
from tasks.gail.environments.fixed_horizon import CARTPOLE_AT_ONE
from tasks.gail.experts.scripted import balance, push_left
from tasks.gail.presets import FAMILY
from tasks.gail.presets.imitation import PRESETS, TrainedImitation
from tasks.gail.presets.methods import CONTROLS, METHODS
from tasks.gail.presets.optimizers import MAKERS
from tasks.gail.presets.runs import load_task
from tasks.gail.presets.settings import SETTINGS
from tasks.gail.problem import ImitationProblem

PRESET = "gail/cartpole-coordinate-l2l"
SMALL = {
    "iterations": 10,
    "hidden": (4,),
    "environments": 2,
    "rollout": 16,
    "policy_hidden": (4,),
    "evaluation_episodes": 2,
    "final_episodes": 3,
}
TINY = {**SMALL, "trajectories": 1, "held_out": 1}


def flags(settings):
    """Settings as words of a command."""
    words = []
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


SOLVE = ("solve", PRESET, *flags(TINY), "--device", "cpu")
OWN = ("solve", PRESET, *flags(SMALL), "--device", "cpu")  # of one's own, what is held out follows from how many


read_once = cache(read_minari)


@cache
def shown(setting="cartpole"):
    return SETTINGS[setting].demonstrations()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A run, solved and evaluated once, to be copied."""
    folder = tmp_path_factory.mktemp("original") / "run"
    assert cli.main([*SOLVE, "--out", str(folder)]) == 0
    assert cli.main(["evaluate", str(folder)]) == 0
    return folder


@pytest.fixture
def solved(original):
    return shutil.copytree(original, Path("run"))


def weights(folder: Path | str) -> list[bytes]:
    """All that training leaves: the policy, phi, and what was logged, seconds apart."""
    with zipfile.ZipFile(Path(folder) / "policy.zip") as zipped:
        policy = zipped.read("policy.pth")
    lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
    logged = json.dumps([{name: value for name, value in line.items() if name != "seconds"} for line in lines])
    phi = Path(folder) / "optimizer" / "model.safetensors"
    return [policy, logged.encode(), phi.read_bytes() if phi.exists() else b""]


class TestPresets:
    def test_every_method_imitates_every_expert(self):
        assert list(FAMILY.presets) == [f"gail/{one}-{way}" for one in SETTINGS for way in METHODS]
        assert MAKERS.keys() == METHODS.keys()

    def test_names_that_the_documentation_fixes(self):
        for name in ("cartpole-gail-adam", "cartpole-coordinate-l2l", "mountain-car-dense-l2l-paper"):
            assert f"gail/{name}" in PRESETS

    def test_controls_are_methods_and_none_is_called_learned(self):
        assert set(CONTROLS) < set(METHODS)
        assert not any("-l2l" in name for name in CONTROLS)
        assert all(method.learns for name, method in METHODS.items() if "-l2l" in name)

    @pytest.mark.parametrize("name", PRESETS)
    def test_each_can_be_built(self, name, monkeypatch):
        monkeypatch.setattr("tasks.gail.demonstrations.minari_files.read_minari", read_once)
        preset = replace(PRESETS[name], seed=3, hidden=(4,))  # for a dense updater as small as the rest
        built = preset.build()
        assert built.task.environment_id == built.facts["environment_id"] == SETTINGS[preset.setting].environment_id
        assert (built.task.iterations, built.task.seed) == (300, 3)
        assert built.optimizer.learns == METHODS[preset.method].learns
        assert built.optimizer.steps == (1 if isinstance(preset, TrainedImitation) else 0)
        assert built.validate_every == 5

    def test_what_is_never_trained_has_nothing_to_turn(self):
        for name, preset in PRESETS.items():
            assert ("inner_steps" in preset.settings()) == METHODS[preset.method].trains, name

    def test_are_listed_without_the_extra(self):
        code = (
            "import sys; sys.modules.update(dict.fromkeys(('gymnasium', 'stable_baselines3', 'sb3_contrib',"
            " 'minari', 'h5py', 'matplotlib'))); from minimax_l2l.cli import main; "
            "sys.exit(main(['presets', 'gail']))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "gail/mountain-car-dense-l2l-paper" in done.stdout

    def test_a_setting_written_without_gymnasium_names_its_environment_rightly(self):
        assert SETTINGS["cartpole-style"].environment_id == CARTPOLE_AT_ONE

    @pytest.mark.parametrize("module", ["gymnasium", "stable_baselines3", "sb3_contrib"])
    def test_a_missing_extra_is_named(self, module, run, solved, monkeypatch):
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        for words in (("solve", PRESET, "--out", "other"), ("evaluate", "run")):
            code, _, err = run(*words)
            assert code == 1
            assert f'imitation needs {module}, which is not installed; install it with: pip install "mini' in err
            assert 'minimax-l2l[gail]"' in err
        assert not Path("other").exists()


class TestSolve:
    @pytest.mark.parametrize("words", [[PRESET, "--eps", "0.1"], ["gail/cartpole-frozen-d", "--inner-steps", "2"]])
    def test_options_that_a_preset_does_not_have(self, words, capsys):
        with pytest.raises(SystemExit) as ended:
            cli.main(["solve", *words, "--out", "run"])
        assert ended.value.code == 2
        assert words[1] in capsys.readouterr().err
        assert not Path("run").exists()

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["gail/cartpole-gail-adan"], "did you mean 'gail/cartpole-gail-adam'?"),
            ([PRESET, "--iterations", "9"], "iterations must be at least 10, got 9"),
            ([PRESET, "--inner-steps", "0"], "--inner-steps must be at least 1, got 0"),
            ([PRESET, "--rate", "0"], "rate must be a finite number above 0, got 0"),
            ([PRESET, "--trajectories", "40"], "40 trajectories were asked for, the demonstrations have 15"),
            ([PRESET, "--seed=-1"], "seed must be at least 0"),
            ([PRESET, "--data", "nowhere"], "there is no folder nowhere; give that of a Minari dataset"),
        ],
    )
    def test_settings_that_make_no_sense(self, words, sentence, run):
        code, out, err = run("solve", *words, "--out", "run")
        assert (code, out) == (1, "")
        assert sentence in err
        assert err.startswith("minimax-l2l: ")
        assert err.endswith((".", "?"))
        assert not Path("run").exists()

    def test_demonstrations_of_another_environment(self, run):
        write_minari(record(push_left, "MountainCar-v0", 2, seed=0), "left-v0", root="data", source="scripted")
        code, _, err = run(*SOLVE, "--data", "data", "--out", "run")
        assert code == 1
        assert "these demonstrations are of MountainCar-v0, the environment is CartPole-v1" in err
        assert not Path("run").exists()

    def test_too_few_to_hold_some_out(self, run):
        write_minari(record(balance, "CartPole-v1", 1, seed=0), "one-v0", root="data", source="scripted")
        code, _, err = run(*SOLVE, "--data", "data")
        assert code == 1
        assert "learns from some trajectories and holds others out, data has 1; record another" in err

    def test_leaves_the_folder_that_the_documentation_describes(self, solved):
        names = {path.name for path in solved.iterdir()} - {"evaluation.json"}
        assert names == {
            "checksums.json",
            "config.json",
            "metrics.jsonl",
            "checkpoint",
            "optimizer",
            "policy.zip",
            "solution.json",
            "tensorboard",
        }
        config = json.loads((solved / "config.json").read_text())
        assert config["environment_id"] == "CartPole-v1"
        assert config["data_sha256"] == shown().sha256
        assert str(Path.cwd()) not in (solved / "config.json").read_text()

    def test_a_policy_that_plain_stable_baselines_loads(self, solved):
        policy = TRPO.load(solved / "policy.zip", device="cpu")
        assert policy.predict([0.0, 0.0, 0.0, 0.0], deterministic=True)[0] in (0, 1)

    def test_the_same_seed_gives_the_same_run_and_another_one_another(self, run, solved):
        for seed in (0, 1):
            assert run(*SOLVE, "--seed", seed, "--out", f"seed-{seed}")[0] == 0
        assert weights("seed-0") == weights(solved)
        assert weights("seed-1") != weights(solved)

    @pytest.mark.filterwarnings("ignore:the inner optimizer makes y worse")  # the paper's settings begin as noise
    @pytest.mark.parametrize("method", ["gail-adam", "coordinate-l2l", "dense-l2l-paper"])
    def test_ctrl_c_is_130_and_resuming_ends_as_if_nothing_had_happened(self, method, run, monkeypatch):
        words = ("solve", f"gail/cartpole-{method}", *flags({**TINY, "iterations": 12}), "--device", "cpu")
        assert run(*words, "--out", "straight")[0] == 0
        with monkeypatch.context() as patch:
            usual = GAIL.validate

            def stop(task, optimizer):
                if task.learner.model.num_timesteps == 5 * 32:
                    os.kill(os.getpid(), signal.SIGINT)
                return usual(task, optimizer)

            patch.setattr(GAIL, "validate", stop)
            code, out, _ = run(*words, "--out", "stopped")
        assert code == 130
        assert "The run was interrupted; resume it to go on. 5 steps" in out
        code, _, err = run("evaluate", "stopped")
        assert code == 1
        assert "stopped holds a run that was interrupted after 5 steps; finish it" in err
        assert run(*words, "--out", "stopped", "--resume")[0] == 0
        assert weights("stopped") == weights("straight")

    def test_resuming_with_other_demonstrations_is_refused(self, run, solved):
        write_minari(record(balance, "CartPole-v1", 3, seed=1), "mine-v0", root="data", source="scripted")
        code, _, err = run(*SOLVE, "--data", "data", "--out", solved, "--resume")
        assert code == 1
        assert "run was run with data=" in err

    def test_a_policy_of_somebody_else_is_left_alone(self, run):
        Path("mine").mkdir()
        Path("mine/policy.zip").write_text("precious")
        code, _, err = run(*SOLVE, "--out", "mine")
        assert code == 1
        assert "mine holds policy.zip, which no run of this library wrote, so nothing is replaced" in err
        assert Path("mine/policy.zip").read_text() == "precious"

    def test_overwriting_removes_the_policy_first(self, solved, monkeypatch):
        monkeypatch.setattr(GAIL, "write", lambda self, folder: None)
        preset = replace(PRESETS[PRESET], **TINY)
        with pytest.raises(ValueError, match="holds a run already"):
            play(PRESET, preset, solved, device="cpu")
        assert (solved / "policy.zip").exists()
        play(PRESET, preset, solved, overwrite=True, device="cpu")
        assert not (solved / "policy.zip").exists()


class TestEvaluate:
    def test_writes_the_row_that_the_design_fixes(self, run, solved):
        (solved / "evaluation.json").unlink()
        code, out, _ = run("evaluate", solved)
        assert code == 0
        result = json.loads((solved / "evaluation.json").read_text())
        (row,) = result["rows"]
        assert {
            "setting": "cartpole",
            "environment": "CartPole-v1",
            "stress": "none",
            "method": "coordinate-l2l",
            "seed": 0,
            "epochs": 10,
            "inner_steps": 1,
            "forward_passes": 20,
        }.items() <= row.items()
        setting = SETTINGS["cartpole"]
        span = setting.expert_return - setting.random_return
        assert row["final_score"] == pytest.approx((row["final_return"] - setting.random_return) / span)
        assert row.keys() >= {"hit", "return_mean", "worst_window", "longest_outage", "drawdown", "cvar10"}
        shares = ("action_agreement", "expert_accuracy", "held_out_accuracy", "policy_accuracy")
        assert all(0 <= row[name] <= 1 for name in shares)
        assert result["curves"]["iterations"] == list(range(1, 11))
        assert all(len(curve) == 10 for curve in result["curves"].values())
        assert list(result["environment"]["data_sha256"].values()) == [shown().sha256]
        assert max(map(len, out.splitlines())) <= 80

    def test_twice_gives_the_same(self, run, solved):
        first = json.loads((solved / "evaluation.json").read_text())
        assert run("evaluate", solved)[0] == 0
        assert json.loads((solved / "evaluation.json").read_text())["rows"] == first["rows"]

    def test_it_plays_the_policy_that_was_saved(self, solved, monkeypatch):
        """The last validation of the run, played again by what is loaded, returns what was logged."""
        last = json.loads((solved / "metrics.jsonl").read_text().splitlines()[-1])
        loaded = load_task(replace(PRESETS[PRESET], **TINY), solved, shown())
        assert loaded.evaluator.returns(loaded.learner.act).mean() == last["return_mean"]

    def test_a_run_that_diverged_is_a_result(self, run, monkeypatch):
        objective = ImitationProblem.objective
        with monkeypatch.context() as patch:
            patch.setattr(
                ImitationProblem,
                "objective",
                lambda one, y: objective(one, y) / (float("nan") if one.step > 5 else 1),
            )
            code, out, _ = run(*SOLVE, "--out", "gone")
        assert code == 1
        assert "The objective became NaN or infinite" in " ".join(out.split())
        assert run("evaluate", "gone")[0] == 0
        result = json.loads(Path("gone/evaluation.json").read_text())
        random = SETTINGS["cartpole"].random_return
        assert result["rows"][0]["diverged"] == 6
        assert result["curves"]["returns"][6:] == [random] * 4
        assert random not in result["curves"]["returns"][:6]
        assert run("report", "gone", "--out", "page.html")[0] == 0
        assert (
            "became NaN or infinite in L2L, by coordinate, seed 0, after iteration 6"
            in Path("page.html").read_text()
        )

    def test_one_that_diverged_at_once_has_nothing_to_measure(self, run, monkeypatch):
        objective = ImitationProblem.objective
        with monkeypatch.context() as patch:
            patch.setattr(ImitationProblem, "objective", lambda one, y: objective(one, y) * float("nan"))
            assert run(*SOLVE, "--out", "gone")[0] == 1
        code, _, err = run("evaluate", "gone")
        assert code == 1
        assert "diverged before its first evaluation, so there is nothing to measure; take another" in err

    def test_demonstrations_of_ones_own(self, run):
        own = record(balance, "CartPole-v1", 5, seed=1)
        write_minari(own, "mine-v0", root="data", source="scripted")
        assert run(*OWN, "--data", "data", "--out", "run")[0] == 0
        config = json.loads(Path("run/config.json").read_text())
        assert (config["data"], config["data_sha256"]) == ("data", own.sha256)
        code, _, err = run("evaluate", "run")
        assert code == 1
        assert "this run was trained on data of your own, 'data'; name them with --data" in err
        write_minari(record(balance, "CartPole-v1", 5, seed=2), "other-v0", root="other", source="scripted")
        code, _, err = run("evaluate", "run", "--data", "other")
        assert code == 1
        assert "run was trained on other data than 'other' as it is now (data_sha256 differs)" in err
        assert run("evaluate", "run", "--data", "data/mine-v0")[0] == 0
        assert run("report", "run", "--data", "data", "--out", "page.html")[0] == 0
        (row,) = json.loads(Path("run/evaluation.json").read_text())["rows"]
        assert row["expert_return"] == own.returns.mean()

    def test_an_expert_that_is_no_better_than_random(self, run):
        write_minari(record(push_left, "CartPole-v1", 5, seed=1), "mine-v0", root="data", source="scripted")
        assert run(*OWN, "--data", "data", "--out", "run")[0] == 0
        code, _, err = run("evaluate", "run", "--data", "data")
        assert code == 1
        assert "no score can be measured between them; give a better expert's" in err

    def strange_config(self, folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"preset": "gail/cartpole-magic"}))

    def other_config(self, folder):
        config = json.loads((folder / "config.json").read_text())
        config["settings"]["iterations"] = "ten"
        (folder / "config.json").write_text(json.dumps(config))

    def other_size(self, folder):
        config = json.loads((folder / "config.json").read_text())
        config["settings"]["hidden"] = [5]
        (folder / "config.json").write_text(json.dumps(config))

    def truncate_checkpoint(self, folder):
        file = folder / "checkpoint" / "state.pt"
        file.write_bytes(file.read_bytes()[:500])

    def lose_checkpoint(self, folder):
        (folder / "checkpoint" / "state.pt").unlink()

    def plant_code(self, folder):
        class Planted:
            def __reduce__(self):
                return open, ("planted", "w")

        torch.save({"task": Planted()}, folder / "checkpoint" / "state.pt", pickle_module=pickle)

    def lose_the_policy(self, folder):
        file = folder / "checkpoint" / "state.pt"
        state = torch.load(file, weights_only=True)
        del state["task"]["learner"]["policy"]
        torch.save(state, file)

    def change_a_shape(self, folder):
        file = folder / "checkpoint" / "state.pt"
        state = torch.load(file, weights_only=True)
        state["task"]["learner"]["policy"]["value_net.bias"] = torch.zeros(7)
        torch.save(state, file)

    def lose_metrics(self, folder):
        (folder / "metrics.jsonl").unlink()

    def cut_metrics(self, folder):
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        (folder / "metrics.jsonl").write_text("\n".join(lines[:3]) + "\n")

    def strange_metrics(self, folder):
        (folder / "metrics.jsonl").write_text('{"return_mean": 3.0}\n')

    def lose_solution(self, folder):
        (folder / "solution.json").unlink()

    @pytest.mark.parametrize(
        ("damage", "sentence"),
        [
            (strange_config, "there is no preset 'gail/cartpole-magic'"),
            (other_config, "the run's settings make no sense (iterations must be an integer"),
            (other_size, "holds a damaged run (ValueError in reading its checkpoint)"),
            (truncate_checkpoint, "state.pt cannot be read"),
            (lose_checkpoint, "holds no checkpoint"),
            (plant_code, "state.pt cannot be read"),
            (lose_the_policy, "holds a damaged run (KeyError in reading its checkpoint)"),
            (change_a_shape, "holds a damaged run (RuntimeError in reading its checkpoint)"),
            (lose_metrics, "metrics.jsonl cannot be read"),
            (cut_metrics, "metrics.jsonl is not of a whole run (a curve needs at least as many evaluations"),
            (strange_metrics, "metrics.jsonl is not of a whole run"),
            (lose_solution, "holds no solution.json"),
        ],
    )
    def test_damaged_runs(self, damage, sentence, run, solved):
        """Seen as soon as it is read; and if the run itself had written it so, what is wrong is named."""
        damage(self, solved)
        (solved / "evaluation.json").unlink()
        for words in (("is not as this run wrote it", "holds no", "cannot be read"), (sentence,)):
            code, _, err = run("evaluate", solved)
            assert code == 1
            assert any(word in err for word in words)
            assert err.endswith((".", "?"))
            assert not (solved / "evaluation.json").exists()
            assert not Path("planted").exists()
            reseal(solved)


class TestReport:
    def test_is_one_page(self, run, solved):
        code, _, _ = run("report", solved, "--out", "page.html")
        assert code == 0
        page = Path("page.html").read_text()
        assert page.count("<svg") == 3
        assert "L2L, by coordinate" in page
        assert 'src="http' not in page

    def test_of_a_run_that_was_not_evaluated(self, run, solved):
        (solved / "evaluation.json").unlink()
        code, _, err = run("report", solved)
        assert code == 1
        assert "run has not been evaluated; run `minimax-l2l evaluate run` first" in err

    @pytest.mark.parametrize("content", ["{}", '{"rows": [], "curves": {}}', '{"rows": [{}], "curves": {}}', "["])
    def test_of_a_damaged_evaluation(self, content, run, solved):
        (solved / "evaluation.json").write_text(content)
        assert "evaluation.json is not as this run wrote it" in run("report", solved)[2]
        reseal(solved)
        code, _, err = run("report", solved)
        assert code == 1
        assert "evaluation.json lacks what a report needs" in err or "evaluation.json cannot be read" in err


class TestBenchmarks:
    def test_are_found_where_they_are_said_to_be(self):
        for place in (*FAMILY.benchmarks.values(), FAMILY.report):
            assert callable(resolve_name(place)), place
