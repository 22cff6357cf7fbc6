"""Presets of the suite: their names, what a run of one leaves, and that it is what `trial` measures."""

import json
from dataclasses import replace

import pytest
import torch
from folders import reseal

from minimax_l2l import DamagedRunError, LearnedOptimizer, RunFolder, Status
from minimax_l2l.lab import wilson_interval
from minimax_l2l.lab.runs import evaluate, play
from tasks.games import SUITE
from tasks.games.experiments.methods import HAND_DESIGNED, LEARNED
from tasks.games.experiments.trial import trial
from tasks.games.presets import FAMILY
from tasks.games.presets.families import FAMILIES
from tasks.games.presets.suite import METHODS, SUITE_PRESETS


def small(name, **settings):
    return replace(SUITE_PRESETS[name], **{"games": 6, "budget": 30, "seed": 3, **settings})


def measured(folder):
    return evaluate(folder, {"games": FAMILY}, device="cpu", announce=lambda _: None)["rows"][0]


class TestNames:
    def test_every_family_with_every_method_and_nothing_else(self):
        assert tuple(SUITE) == FAMILIES
        assert set(METHODS) == {*LEARNED, *HAND_DESIGNED}
        assert len(SUITE_PRESETS) == len(FAMILIES) * len(METHODS)  # no name is made twice
        assert FAMILY.presets.items() >= SUITE_PRESETS.items()

    def test_each_is_what_its_name_says(self):
        assert all(name == f"games/{one.family}-{one.method}" for name, one in SUITE_PRESETS.items())

    def test_those_designed_by_hand_alone_have_a_step_size_which_is_the_usual_one(self):
        sizes = {one.method: getattr(one, "step_size", None) for one in SUITE_PRESETS.values()}
        assert sizes == {**dict.fromkeys(LEARNED), **{name: one.usual for name, one in HAND_DESIGNED.items()}}


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"games": 0}, "games must be at least 1, got 0"),
            ({"budget": 0}, "budget must be at least 1, got 0"),
            ({"step_size": 0.0}, "step_size must be"),
        ],
    )
    def test_that_make_no_sense(self, wrong, sentence):
        with pytest.raises(ValueError, match=sentence):
            small("games/xy-gradient", **wrong)

    def test_reach_what_plays(self):
        assert small("games/xy-gradient", step_size=0.25).build().optimizer.step_size == 0.25
        assert small("games/xy-anderson").build().optimizer.step_size == 0.05


CASES = (
    "xy-gradient",
    "seesaw-3-gram-games",
    "cgd-saddle-competitive",
    "swapped-saddle-anderson",
    "func4-lookahead",
)


@pytest.mark.parametrize("name", CASES)
def test_a_run_is_what_a_trial_of_the_same_games_measures(name, tmp_path):
    preset = small(f"games/{name}", budget=40)
    play(f"games/{name}", preset, tmp_path / "run", device="cpu")
    done = trial(preset.optimizer(), SUITE[preset.family].sample(6, seed=3), budget=40)
    row, arrived = measured(tmp_path / "run"), done.evaluations[done.solved]
    assert (row["solved"], row["wrong"]) == (len(arrived), int(done.wrong.sum()))
    assert row["evaluations"] == (arrived.median().item() if len(arrived) else None)
    interval = wilson_interval(len(arrived), 6) if row["solvable"] else (None, None)
    assert (row["solved_share_low"], row["solved_share_high"]) == interval
    assert row["input_gradient_passes"] >= 40
    assert row["weight_gradient_passes"] == 0


def test_the_history_has_a_row_for_every_step(tmp_path):
    preset = small("games/xy-extragradient", budget=10)
    solution = play("games/xy-extragradient", preset, tmp_path, device="cpu")
    assert solution.status is Status.COMPLETED
    assert [row["evaluations"] for row in solution.history] == [2, 4, 6, 8, 10]
    game = SUITE["xy"].sample(6, seed=3)
    path = []
    preset.optimizer().maximize(game, steps=5, observe=lambda _, pair: path.append(torch.cat(pair, dim=1)))
    assert [(row["x"], row["y"]) for row in solution.history] == [tuple(at[0].tolist()) for at in path[1:]]
    medians = [at.norm(dim=1).median().item() for at in path[1:]]
    assert [row["median_distance"] for row in solution.history] == pytest.approx(medians)
    assert RunFolder(tmp_path).read_metrics() == solution.history


def test_games_without_a_solution_have_no_distance_and_games_of_many_numbers_no_pair(tmp_path):
    spurious = play("games/ridge-2-gradient", small("games/ridge-2-gradient"), tmp_path / "one", device="cpu")
    assert spurious.history[0].keys() >= {"evaluations", "wrong", "x"}
    assert not spurious.history[0].keys() & {"median_distance", "solved"}
    assert measured(tmp_path / "one")["solvable"] == 0
    many = play("games/ratio-mixed-gradient", small("games/ratio-mixed-gradient"), tmp_path / "two", device="cpu")
    assert not many.history[0].keys() & {"x", "y"}


@pytest.mark.filterwarnings("ignore:y explodes", "ignore:the inner optimizer leads y away from balance")
def test_games_that_are_lost_do_not_stop_the_run(tmp_path):
    """A step of 0.9 at a curvature of 12 multiplies the distance by 10, until float32 holds no square of it."""
    preset = small("games/cgd-saddle-gradient", step_size=0.9, budget=40)
    assert play("games/cgd-saddle-gradient", preset, tmp_path, device="cpu").status is Status.COMPLETED
    assert (measured(tmp_path)["solved"], measured(tmp_path)["wrong"]) == (0, 0)


@pytest.mark.parametrize("name", ["games/seesaw-3-gram-games", "games/xy-lookahead"])
def test_a_run_that_was_interrupted_goes_on_to_the_same_end(name, tmp_path, monkeypatch):
    play(name, small(name), tmp_path / "whole", device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr("minimax_l2l.training.run.Run._asked", lambda _, step: step == 7)  # Ctrl-C
        first = play(name, small(name), tmp_path / "part", device="cpu")
    assert (first.status, first.steps) == (Status.INTERRUPTED, 7)
    with pytest.raises(ValueError, match="holds a run that was interrupted after 7 steps; finish it"):
        measured(tmp_path / "part")
    play(name, small(name), tmp_path / "part", device="cpu", resume=True)
    whole, part = (
        [{**row, "seconds": 0} for row in RunFolder(tmp_path / run).read_metrics()] for run in ("whole", "part")
    )
    assert whole == part
    assert len(whole) == 30


def test_a_learned_optimizer_is_played_as_it_is():
    preset = small("games/xy-gram-games", budget=5)
    built = preset.build()
    built.task.solve(built.optimizer, validate_every=1, device="cpu")
    shipped = LearnedOptimizer.from_pretrained("gram-games").state_dict()
    assert all(torch.equal(own, shipped[name]) for name, own in built.optimizer.state_dict().items())
    assert not built.optimizer.learns


def test_a_damaged_run(tmp_path):
    play("games/xy-gradient", small("games/xy-gradient", budget=2), tmp_path, device="cpu")
    file = RunFolder(tmp_path).checkpoint_file
    state = torch.load(file, weights_only=True)
    torch.save({**state, "task": {}}, file)
    with pytest.raises(DamagedRunError, match="checkpoint"):
        measured(tmp_path)
    reseal(tmp_path)
    with pytest.raises(DamagedRunError, match=r"holds a damaged run \(KeyError in reading its checkpoint"):
        measured(tmp_path)


def test_a_run_with_other_games_is_another_run(tmp_path):
    play("games/xy-gradient", small("games/xy-gradient", budget=2), tmp_path, device="cpu")
    with pytest.raises(ValueError, match=r"seed"):
        play("games/xy-gradient", small("games/xy-gradient", budget=2, seed=4), tmp_path, resume=True, device="cpu")
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["family"], config["method"]) == ("xy", "gradient")
