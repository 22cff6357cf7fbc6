"""`minimax-l2l evaluate`: the row, and what is said of runs that are not whole."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from folders import files, reseal
from own_images import archive
from safetensors.torch import load_file, save_file

from minimax_l2l.lab import wilson_interval
from tasks.adversarial.evaluation import robustness
from tasks.adversarial.presets.runs import evaluate_run

PRESET = "adversarial/digits-grad-l2l"


untouched = robustness._untouched


def interrupted(*_, **__):
    raise KeyboardInterrupt


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
        intervals = {name: pytest.approx(wilson_interval(round(12 * row[name]), 12)) for name in accuracies}
        assert result["intervals"] == intervals
        low, high = result["intervals"]["clean"]
        assert f"{row['clean']:.4g} ({low:.3g} to {high:.3g})" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_the_choice_of_attacks_and_images_is_in_the_file(self, run, solved, monkeypatch):
        monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", partial(evaluate_run, curves=False))
        options = "--data", "mine.npz", "--tier", "quick", "--images", "7"
        assert run("evaluate", solved, *options)[0] == 0
        result = json.loads((solved / "evaluation.json").read_text())
        assert result["measured"] == {"tier": "quick", "images": 7, "of": 20}
        assert result["rows"][0]["images"] == 7
        assert "autoattack_quick" in result["rows"][0]
        assert "autoattack" not in result["rows"][0]

    def test_random_search_if_it_is_asked_for(self, run, solved, monkeypatch):
        monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", partial(evaluate_run, curves=False))
        options = "--data", "mine.npz", "--tier", "quick", "--random-draws", "30"
        assert run("evaluate", solved, *options)[0] == 0
        (row,) = json.loads((solved / "evaluation.json").read_text())["rows"]
        assert row["worst_case"] <= row["random_30"] <= row["clean"]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (("--random-draws", "-1"), "--random-draws must be at least 0"),
            (("--tier", "standart"), "there is no tier 'standart'; did you mean 'standard'?"),
            (("--images", "0"), "images must be at least 1"),
        ],
    )
    def test_a_choice_that_makes_no_sense(self, words, sentence, run, solved, monkeypatch):
        monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", evaluate_run)
        code, _, err = run("evaluate", solved, "--data", "mine.npz", *words)
        assert code == 1
        assert sentence in err
        assert not (solved / "evaluation.json").exists()

    def test_an_evaluation_of_other_choices_is_not_gone_on_with(self, run, solved, monkeypatch):
        """Pieces that an interrupted one left are of its tier and its images alone."""
        asked = []

        def looked(*given):
            asked.append(len(given[-1]))
            return untouched(*given)

        monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", evaluate_run)
        monkeypatch.setattr(robustness, "_untouched", looked)
        monkeypatch.setattr(robustness, "_under", interrupted)
        for images, tier in (("7", "quick"), ("7", "quick"), ("8", "quick"), ("8", "standard")):
            words = "--data", "mine.npz", "--images", images, "--tier", tier
            assert run("evaluate", solved, *words)[0] == 130
            assert (solved / "evaluation.parts.json").exists()
        assert asked == [7, 8, 8]

    def test_two_classes(self, run):
        """AutoAttack has no losses for them; everything else is measured, and that is said."""
        archive("two.npz", y_train=np.arange(60) % 2, y_test=np.arange(20) % 2)
        options = "--data", "two.npz", "--device", "cpu"
        assert (
            run("solve", "adversarial/digits-fgsm-rs", "--out", "two", "--eps", "0.1", "--epochs", "1", *options)[0]
            == 0
        )
        code, out, _ = run("evaluate", "two", *options)
        assert code == 0
        assert "note: AutoAttack did not run: its losses are defined for 4 classes or more." in out
        result = json.loads(Path("two/evaluation.json").read_text())
        assert result["flags"] == ["AutoAttack did not run: its losses are defined for 4 classes or more"]
        (row,) = result["rows"]
        assert {"clean", "fgsm", "pgm_20", "pgm_100", "cw_100", "own_attacker", "worst_case"} <= row.keys()
        assert not any(name.startswith("autoattack") for name in row)

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
        config["settings"]["epochs"] = "two"
        (folder / "config.json").write_text(json.dumps(config))

    def config_without_data(self, folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({name: config[name] for name in ("preset", "settings")}))

    def truncate_model(self, folder):
        weights = folder / "model" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:200])

    def lose_a_tensor(self, folder):
        weights = folder / "model" / "model.safetensors"
        tensors = load_file(weights)
        del tensors["last.weight"]
        save_file(tensors, weights)

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
            (empty_config, "config.json names no preset with its settings, so it is not of a whole run; solve it"),
            (partial_config, "config.json names no preset with its settings"),
            (strange_config, "the run's settings make no sense (epochs must be an integer, got str 'two'"),
            (config_without_data, "config.json lacks data_sha256, so it is not of a whole run"),
            (truncate_model, "mine/model is damaged (SafetensorError"),
            (lose_a_tensor, "mine/model holds the weights of another network than this SmallResNet"),
            (lose_model, "mine holds no model"),
            (lose_weights, "mine/model is damaged (FileNotFoundError"),
            (lose_optimizer, "mine holds no optimizer"),
            (truncate_optimizer, "mine/optimizer/model.safetensors is not as it was saved"),
            (damage_optimizer_config, "mine"),
            (interrupt, "mine holds a run that was interrupted after 1 steps; finish it with"),
            (lose_solution, "mine holds no solution.json"),
            (empty_solution, "solution.json lacks status, steps, seconds, passes"),
        ],
    )
    def test_damaged_runs(self, damage, sentence, run, solved):
        """Seen as soon as it is read; and if the run itself had written it so, what is missing is named."""
        damage(self, solved)
        for words in (("is not as this run wrote it", "holds no", "model is damaged"), (sentence,)):
            before = files(solved)
            code, _, err = run("evaluate", solved, "--data", "mine.npz")
            assert code == 1
            assert any(word in err for word in words)
            assert err.endswith((".", "?"))
            assert files(solved) == before
            reseal(solved)

    def test_a_damaged_game(self, run):
        folder = Path("game")
        (folder / "optimizer").mkdir(parents=True)
        settings = {"seed": 0, "iterations": 250, "games": 64, "inner_steps": 48}
        config = {"preset": "games/limit-cycle-rnn-l2l", "settings": settings}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "solution.json").write_text('{"status": "completed", "steps": 1, "seconds": 1.0, "passes": {}}')
        (folder / "optimizer" / "config.json").write_text("{}")
        reseal(folder)
        code, _, err = run("evaluate", folder)
        assert code == 1
        assert "game/optimizer is damaged (FileNotFoundError in reading it); solve it again" in err

    @pytest.mark.parametrize(("pieces", "said"), [(3, "goes on from what has been"), (0, "before anything was")])
    def test_ctrl_c_says_what_comes_of_it(self, pieces, said, run, solved, monkeypatch):
        count = []

        def stop(*arguments, **keywords):
            count.append(1)
            if len(count) > pieces:
                raise KeyboardInterrupt
            return judged(*arguments, **keywords)

        judged = robustness.judged
        with monkeypatch.context() as patch:
            patch.setattr(robustness, "judged", stop)
            code, _, err = run("evaluate", solved, "--data", "mine.npz")
        assert code == 130
        assert f"minimax-l2l: interrupted{';' if pieces else ''}" in err
        assert said in err
        assert run("evaluate", solved, "--data", "mine.npz")[0] == 0

    def test_data_of_ones_own_must_be_named(self, run, solved):
        code, _, err = run("evaluate", solved)
        assert code == 1
        assert "this run was trained on data of your own, 'mine.npz'; name them with --data" in err

    def test_a_device_that_is_not_there(self, run, solved):
        code, _, err = run("evaluate", solved, "--data", "mine.npz", "--device", "cuda")
        assert code == 1
        assert "torch sees no CUDA device; choose auto or cpu" in err

    def test_other_data_than_it_was_trained_on(self, run, solved):
        archive(y_test=np.zeros(20, np.int64))
        code, _, err = run("evaluate", solved, "--data", "mine.npz")
        assert code == 1
        assert "mine was trained on other data than 'mine.npz' as it is now (data_sha256 differs)" in err
