"""Benchmarks of imitation: rows, resumption, the same conditions for all; played small."""

import json
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
import torch

from tasks.gail import read_minari
from tasks.gail.experiments import benchmark, experts, job, speed, stress
from tasks.gail.experiments.job import Job, play, play_into
from tasks.gail.experiments.stress import Cell
from tasks.gail.experts.scripted import balance
from tasks.gail.presets.imitation import PRESETS
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.settings import SETTINGS
from tasks.gail.problem import ImitationProblem
from tasks.gail.rewards import goal, survival

TINY = {
    "trajectories": 2,
    "held_out": 2,
    "hidden": (6,),
    "iterations": 60,
    "environments": 2,
    "rollout": 16,
    "policy_hidden": (8,),
    "evaluation_episodes": 2,
    "final_episodes": 5,
}
FIELDS = {"hit", "return_mean", "worst_window", "longest_outage", "drawdown", "cvar10", "final_score"}


def tiny(method="gail-adam", seed=0, *, setting="cartpole", stress="none", trained=None, **changes):
    preset = replace(PRESETS[f"gail/{setting}-{method}"], seed=seed, **{**TINY, **changes})
    return Job(preset, stress, trained)


brief = partial(tiny, "frozen-d", iterations=10)


def built(preset):
    task = preset.task(preset.demonstrations())
    return task, preset.optimizer(task)


read_once = cache(read_minari)


@pytest.fixture(autouse=True)
def demonstrations_read_once(monkeypatch):
    monkeypatch.setattr("tasks.gail.demonstrations.minari_files.read_minari", read_once)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def jobs(monkeypatch):
    """What would be played."""
    seen = []

    def fill(file, jobs, play, **_):
        seen.extend(jobs)
        return file

    for module in (job, benchmark, experts):
        monkeypatch.setattr(module, "fill", fill)
    return seen


def silent(_):
    """Announce nothing."""


class TestRuns:
    def test_a_row_measures_a_run(self, tmp_path):
        row = play(tiny("coordinate-l2l", iterations=20), runs=tmp_path)
        assert row.keys() >= FIELDS
        assert row["curve"]["iterations"] == list(range(2, 21, 2))
        assert 0 <= row["action_agreement"] <= 1
        assert row["energy_distance"] >= 0
        assert len(row["accuracies"]["held_out_accuracy"]) == 10
        assert json.loads(json.dumps(row)) == row

    def test_one_that_is_there_is_only_measured(self, tmp_path):
        first, again = (play(tiny(iterations=20), runs=tmp_path) for _ in range(2))
        assert (first.pop("env_steps_per_cpu_second") > 0, again.pop("env_steps_per_cpu_second")) == (True, None)
        assert again == first

    def test_one_that_leaves_the_numbers_is_a_result_and_is_not_played_on(self, tmp_path, monkeypatch):
        """From iteration 31 on the objective is NaN: 25 and 30 are the last evaluations of its own.

        Called again, it is measured as it was.
        """
        objective, calls = ImitationProblem.objective, []

        def breaks(problem, y):
            calls.append(problem.step)
            return objective(problem, y) * (float("nan") if problem.step >= 30 else 1)

        with monkeypatch.context() as patch:
            patch.setattr(ImitationProblem, "objective", breaks)
            row = play(tiny(), runs=tmp_path)
        assert max(calls) == row["diverged"] == 30
        assert row["curve"]["iterations"] == list(range(5, 61, 5))
        random = SETTINGS["cartpole"].random_return
        assert row["curve"]["returns"][6:] == [random] * 6
        assert random not in row["curve"]["returns"][:6]
        assert row["longest_outage"] == 60
        assert json.loads(json.dumps(row)) == row
        again = play(tiny(), runs=tmp_path)
        assert again["diverged"] == 30
        assert again["curve"] == row["curve"]

    def test_a_frozen_updater_is_used_as_it_is(self, tmp_path):
        source = tiny("coordinate-l2l", iterations=10)
        play(source, runs=tmp_path)
        trained = tmp_path / source.name / "optimizer"
        before = (trained / "model.safetensors").read_bytes()
        changes = {"iterations": 10, "evaluation_episodes": 1, "final_episodes": 2}  # of 200 steps each
        target = tiny("coordinate-l2l", setting="mountain-car", stress="frozen", trained=trained, **changes)
        assert play(target, runs=tmp_path).keys() >= FIELDS
        assert not (tmp_path / target.name / "optimizer").exists()
        assert (trained / "model.safetensors").read_bytes() == before

    @pytest.mark.parametrize("name", [name for name in METHODS if not name.startswith("dense")])
    def test_every_method_is_made(self, name):
        task, optimizer = built(tiny(name).preset)
        assert optimizer.learns == METHODS[name].learns
        assert len(task.expert) > 0

    @pytest.mark.parametrize(
        ("method", "reward", "last"), [("gail-adam", goal, 0.0), ("dense-l2l-paper", survival, 0.01)]
    )
    def test_the_papers_words_pay_and_step_alike_in_every_environment(self, method, reward, last):
        preset = tiny(method, setting="mountain-car").preset
        task = preset.task(preset.demonstrations())
        assert task.reward is reward
        assert task.learner.settings.trust_region(0.0) == last

    def test_the_seed_decides_the_updater_too(self):
        made = [built(tiny("coordinate-l2l", seed).preset)[1] for seed in (3, 3, 4)]
        first, same, other = (torch.cat([p.detach().flatten() for p in one.parameters()]) for one in made)
        assert torch.equal(first, same)
        assert not torch.equal(first, other)

    def test_subsampling_rates_and_steps(self):
        task, optimizer = built(tiny(trajectories=1, every=10, rate=0.5, inner_steps=7).preset)
        assert (len(task.expert), optimizer.lr, optimizer.steps) == (50, 0.5, 7)

    def test_conditions_do_not_depend_on_the_seed(self):
        assert tiny(seed=0).digest == tiny(seed=7).digest
        assert tiny().digest != tiny(rate=0.5).digest
        assert tiny("coordinate-l2l").digest != tiny("coordinate-l2l", trained=Path("there")).digest


class TestFiles:
    def test_rows_that_are_there_are_kept(self, here):
        both = [brief(seed=seed) for seed in (0, 1)]
        play_into(here, "some", both[:1], silent, workers=1)
        said = []
        file = play_into(here, "some", both, said.append, workers=1)
        assert said == ["1 of 2 rows of some are there", "2 of 2 rows of some are there"]
        rows = json.loads(file.read_text())["rows"]
        assert [row["seed"] for row in rows] == [0, 1]
        assert {"setting", "environment", "stress", "method"} <= rows[0].keys()

    def test_rows_under_other_conditions_are_not_mixed(self, here):
        play_into(here, "some", [brief()], silent, workers=1)
        with pytest.raises(ValueError, match=r"1 rows that were played under other conditions.*method frozen-d"):
            play_into(here, "some", [brief(iterations=20)], silent, workers=1)

    def test_runs_of_another_file_are_not_played_again(self, here):
        play_into(here, "some", [brief()], silent, workers=1)
        rows = {}
        for name, shared in (("other", "some"), ("third", None)):
            file = play_into(here, name, [brief()], silent, workers=1, shared_with=shared)
            rows[name] = json.loads(file.read_text())["rows"][0]["env_steps_per_cpu_second"]
        assert rows["other"] is None
        assert rows["third"] > 0

    def test_cloning_is_measured_like_any_policy(self):
        row = benchmark.clone(benchmark.Cloning(tiny("frozen-d", every=4)))
        assert row.keys() == {"final_return", "final_score", "action_agreement", "energy_distance"}
        assert row["action_agreement"] > 0.8

    def test_all_methods_and_controls_over_five_seeds(self, here, jobs):
        benchmark.benchmark_gail(here, announce=silent)
        names = {one.identity["method"] for one in jobs}
        assert {one.identity["seed"] for one in jobs} == {0, 1, 2, 3, 4}
        assert {"frozen-d", "constant", "bad-demos", "noise", "c-gail", "gail-adam", "bc"} <= names
        assert len({tuple(one.identity.values()) for one in jobs}) == len(jobs) == 110

    def test_cells(self, here, jobs):
        stress.CELLS.play(here, announce=silent)
        assert {one.preset.method for one in jobs} == {"gail-adam"}
        assert not {one.preset.seed for one in jobs} & set(benchmark.SEEDS)
        assert len({one.name for one in jobs}) == len(jobs)
        assert all(one.preset.every == 10 and one.preset.trajectories == 1 for one in jobs)

    def test_bounds(self, here, jobs):
        stress.BOUNDS.play(here, announce=silent)
        assert len({one.name for one in jobs}) == len(jobs) == 20
        assert {one.preset.rate for one in jobs} == set(stress.BOUNDS.rates)

    def test_variants(self, here, jobs):
        stress.VARIANTS.play(here, announce=silent)
        assert {(one.preset.method, one.preset.setting, one.preset.seed) for one in jobs} == {
            (method, cell.setting, seed)
            for method in stress.VARIANTS.methods
            for cell in stress.GRID
            for seed in stress.PILOT_SEEDS
        }
        assert all(METHODS[name].radius and METHODS[name].learns for name in stress.VARIANTS.methods)

    def test_transfer_freezes_what_cartpole_trained(self, here, jobs):
        benchmark.measure_transfer(here, announce=silent)
        new, frozen = ([one for one in jobs if (one.trained is None) == is_new] for is_new in (True, False))
        assert {one.preset.setting for one in new} == {"cartpole", "mountain-car", "acrobot"}
        assert {one.preset.setting for one in frozen} == {"mountain-car", "acrobot"}
        assert all(f"-{one.preset.seed}-" in one.trained.parent.name for one in frozen)

    def test_speed(self, here, monkeypatch):
        few = {"environments": 2, "rollout": 32}  # steps of an iteration: how many there are is not asked
        small = {name: replace(preset, **few) for name, preset in PRESETS.items() if "/cartpole-" in name}
        monkeypatch.setattr(speed, "PRESETS", small)
        threads = torch.get_num_threads()
        file = speed.measure_speed(here, announce=silent, turns=2, widths=((4,), (5,)), paper=(4,), iterations=1)
        rows = json.loads(file.read_text())["rows"]
        torch.set_num_threads(threads)
        rates = {row["method"]: row["over_trpo"] for row in rows if row["what"] == "rate"}
        assert rates["trpo"] == 1
        assert all(rate > 0 for rate in rates.values())
        steps = [row for row in rows if row["what"] == "step"]
        assert {row["size"] for row in steps} == {33, 41}
        assert all(0 < row["share"] < 1 and row["learned_share"] < row["share"] for row in steps)
        assert {row["learned_share"] for row in steps if row["method"] == "gail-adam"} == {0}

    def test_experts_that_are_recorded_are_kept(self, here, monkeypatch):
        class Expert:
            def __call__(self, seen):
                return balance(seen) if seen.ndim == 1 else [balance(one) for one in seen]

        monkeypatch.setattr(experts, "train_expert", lambda name, seed: Expert())
        search = partial(
            experts.find_expert, datasets=here / "datasets", seeds=(0,), episodes=2, evaluation_episodes=3
        )
        row = search(experts.Search("cartpole"))
        assert (row["expert_return"], row["recorded_return"], row["seed"]) == (500.0, 500.0, 0)
        assert row["random_return"] < 100
        folder = here / "datasets" / SETTINGS["cartpole"].dataset
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        search(experts.Search("cartpole"))
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before

    def test_an_expert_for_each_setting(self, here, jobs):
        experts.make_experts(here, announce=silent)
        assert [one.setting for one in jobs] == list(SETTINGS)


class TestRates:
    CELL = Cell("cartpole", 2)
    PILOT = stress.Pilot(
        "gail-stress-rates", ("gail-adam", "coordinate-l2l", "coordinate-ball-l2l"), (0.001, 0.01), (CELL,)
    )
    BOUNDS = stress.Pilot("gail-stress-bounds", ("coordinate-bound-l2l",), (0.1, 1.0), (CELL,))

    def rows(self):
        areas = {
            ("gail-adam", 0.001): (0.9, 0.1),
            ("gail-adam", 0.01): (0.6, 0.6),
            ("coordinate-l2l", 0.001): (0.2, 0.4),
            ("coordinate-l2l", 0.01): (0.1, 0.1),
            ("coordinate-ball-l2l", 0.001): (0.0, 0.0),
            ("coordinate-ball-l2l", 0.01): (0.0, 0.5),
        }
        return [
            {
                "setting": "cartpole",
                "method": method,
                "stress": self.CELL.name(rate),
                "seed": seed,
                "area": area,
            }
            for (method, rate), pair in areas.items()
            for seed, area in zip((100, 101), pair, strict=True)
        ]

    def test_the_best_is_that_of_the_highest_mean_score(self):
        assert self.PILOT.best(self.rows()) == {
            ("cartpole", "gail-adam"): 0.01,
            ("cartpole", "coordinate-l2l"): 0.001,
            ("cartpole", "coordinate-ball-l2l"): 0.01,
        }

    def test_rows_of_other_cells_do_not_count(self):
        other = [{**row, "stress": Cell("cartpole", 9).name(0.001), "area": 1.0} for row in self.rows()]
        assert self.PILOT.best(self.rows() + other) == self.PILOT.best(self.rows())

    def test_a_pilot_that_is_not_finished_is_refused(self, here):
        with pytest.raises(ValueError, match=r"lacks 1 runs of coordinate-ball-l2l at rate 0\.01 in cartpole"):
            self.PILOT.best(self.rows()[:-1])
        with pytest.raises(ValueError, match="run `minimax-l2l benchmark gail-stress-rates` first"):
            stress.grid_jobs(here, self.PILOT, self.BOUNDS)

    def test_the_grid_takes_each_methods_own_and_noise_that_of_its_updater(self, here):
        bounds = [
            {"setting": "cartpole", "method": "coordinate-bound-l2l", "stress": name, "seed": seed, "area": area}
            for name, area in ((self.CELL.name(0.1), 0.2), (self.CELL.name(1.0), 0.3))
            for seed in stress.PILOT_SEEDS
        ]
        for name, rows in (("gail-stress-rates", self.rows()), ("gail-stress-bounds", bounds)):
            (here / f"{name}.json").write_text(json.dumps({"rows": rows}))
        jobs = stress.grid_jobs(here, self.PILOT, self.BOUNDS)
        assert {one.preset.seed for one in jobs} == set(benchmark.SEEDS)
        assert {one.preset.method: getattr(one.preset, "rate", None) for one in jobs} == {
            "gail-adam": 0.01,
            "coordinate-l2l": 0.001,
            "noise": 0.001,
            "coordinate-ball-l2l": 0.01,
            "noise-ball": 0.01,
            "coordinate-bound-l2l": 1.0,
            "frozen-d": None,
        }

    def test_what_is_turned_is_how_far_an_iteration_may_go(self):
        _, optimizer = built(tiny("coordinate-bound-l2l", rate=0.3, inner_steps=3).preset)
        assert optimizer.max_relative_step == pytest.approx(0.1)


def test_dense_runs_are_played_one_at_a_time(here, monkeypatch):
    calls = []
    monkeypatch.setattr(job, "fill", lambda file, jobs, play, **options: calls.append((jobs, options)) or file)
    benchmark.measure_dense(here, announce=silent, workers=2)
    ((jobs, options),) = calls
    assert {one.preset.method for one in jobs} == {"dense-l2l", "dense-ball-l2l", "dense-l2l-paper"}
    assert options["workers"] == 1
