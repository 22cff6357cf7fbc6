"""Benchmarks of imitation: rows, resumption, the same conditions for all; played small."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tasks.gail.experiments import benchmark, pool, speed, stress, transfer
from tasks.gail.experiments import dense as dense_benchmark
from tasks.gail.experiments import experts as expert_benchmark
from tasks.gail.experiments.benchmark import play_into
from tasks.gail.experiments.pool import Job, play
from tasks.gail.experiments.stress import Cell
from tasks.gail.experts.scripted import balance
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.presets.methods import METHODS, Knobs
from tasks.gail.presets.runs import Conditions, pose, pose_task
from tasks.gail.presets.settings import SETTINGS
from tasks.gail.problem import ImitationProblem
from tasks.gail.rewards import goal, survival

TINY = Conditions(
    trajectories=2,
    held_out=2,
    hidden=(6,),
    iterations=60,
    policy=PolicySettings(environments=2, steps=16, critic_batch=32, critic_epochs=1, hidden=(8,)),
    evaluation_episodes=2,
)
FIELDS = {"hit", "return_mean", "worst_window", "longest_outage", "drawdown", "cvar10", "final_score"}


def in_turn(jobs):
    """As `play_all`, in this process."""
    for job, folder in jobs.items():
        yield job, play(job, folder)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(benchmark, "play_all", in_turn)
    return tmp_path


def silent(_):
    """Announce nothing."""


class TestRuns:
    def test_a_row_measures_a_run(self, tmp_path):
        row = play(Job("cartpole", "coordinate-l2l", 0, conditions=TINY), tmp_path / "run")
        assert row.keys() >= FIELDS
        assert row["curve"]["iterations"] == list(range(5, 61, 5))
        assert 0 <= row["action_agreement"] <= 1
        assert row["energy_distance"] >= 0
        assert len(row["accuracies"]["held_out_accuracy"]) == 12
        assert json.loads(json.dumps(row)) == row

    def test_one_that_is_there_is_only_measured(self, tmp_path):
        job = Job("cartpole", "gail-adam", 0, conditions=TINY)
        first, again = play(job, tmp_path / "run"), play(job, tmp_path / "run")
        assert (first.pop("env_steps_per_cpu_second") > 0, again.pop("env_steps_per_cpu_second")) == (True, None)
        assert again == first

    def test_one_that_leaves_the_numbers_is_a_result(self, tmp_path, monkeypatch):
        """From iteration 31 on the objective is NaN: 25 and 30 are the last evaluations of its own."""
        objective, calls = ImitationProblem.objective, []

        def breaks(problem, y):
            calls.append(problem.step)
            return objective(problem, y) * (float("nan") if problem.step >= 30 else 1)

        monkeypatch.setattr(ImitationProblem, "objective", breaks)
        row = play(Job("cartpole", "gail-adam", 0, conditions=TINY), tmp_path / "run")
        assert max(calls) == row["diverged"] == 30
        assert row["curve"]["iterations"] == list(range(5, 61, 5))
        random = SETTINGS["cartpole"].random_return
        assert row["curve"]["returns"][6:] == [random] * 6
        assert random not in row["curve"]["returns"][:6]
        assert row["longest_outage"] == 60
        assert json.loads(json.dumps(row)) == row

    def test_a_frozen_updater_is_used_as_it_is(self, tmp_path):
        play(Job("cartpole", "coordinate-l2l", 0, conditions=TINY), tmp_path / "source")
        trained = tmp_path / "source" / "optimizer"
        before = (trained / "model.safetensors").read_bytes()
        row = play(Job("acrobot", "coordinate-l2l", 0, "frozen", TINY, trained), tmp_path / "target")
        assert row.keys() >= FIELDS
        assert not (tmp_path / "target" / "optimizer").exists()
        assert (trained / "model.safetensors").read_bytes() == before

    @pytest.mark.parametrize("name", [name for name in METHODS if not name.startswith("dense")])
    def test_every_method_is_posed(self, name):
        task, optimizer = pose(SETTINGS["cartpole"], METHODS[name], TINY, seed=0)
        assert optimizer.learns == (name.endswith("-l2l") or name in ("noise", "noise-ball"))
        assert len(task.expert) > 0

    @pytest.mark.parametrize(
        ("method", "reward", "last"), [("gail-adam", goal, 0.0), ("dense-l2l-paper", survival, 0.01)]
    )
    def test_the_papers_words_pay_and_step_alike_in_every_environment(self, method, reward, last):
        task = pose_task(SETTINGS["mountain-car"], METHODS[method], replace(TINY, policy=None), seed=0)
        assert task.reward is reward
        assert task.learner.settings.trust_region(0.0) == last

    def test_the_seed_decides_the_updater_too(self):
        made = [pose(SETTINGS["cartpole"], METHODS["coordinate-l2l"], TINY, seed=seed)[1] for seed in (3, 3, 4)]
        first, same, other = (torch.cat([p.detach().flatten() for p in one.parameters()]) for one in made)
        assert torch.equal(first, same)
        assert not torch.equal(first, other)

    def test_subsampling_and_knobs(self):
        conditions = replace(TINY, trajectories=1, every=10, knobs=Knobs(rate=0.5, steps=7))
        task, optimizer = pose(SETTINGS["cartpole"], METHODS["gail-adam"], conditions, seed=0)
        assert (len(task.expert), optimizer.lr, optimizer.steps) == (50, 0.5, 7)


class TestFiles:
    def test_rows_that_are_there_are_kept(self, here):
        jobs = [Job("cartpole", "frozen-d", seed, conditions=TINY) for seed in (0, 1)]
        play_into(here, "some", jobs[:1], silent)
        said = []
        file = play_into(here, "some", jobs, said.append)
        assert said == ["1 of 2 runs to play", "0 of 2 runs to play"]
        rows = json.loads(file.read_text())["rows"]
        assert [row["seed"] for row in rows] == [0, 1]
        assert {"setting", "environment", "stress", "method"} <= rows[0].keys()

    def test_rows_under_other_conditions_are_not_mixed(self, here):
        play_into(here, "some", [Job("cartpole", "frozen-d", 0, conditions=TINY)], silent)
        longer = Job("cartpole", "frozen-d", 0, conditions=replace(TINY, iterations=70))
        with pytest.raises(
            ValueError, match=r"1 rows that were played under other conditions.*frozen-d on cartpole"
        ):
            play_into(here, "some", [longer], silent)

    def test_runs_of_another_file_are_not_played_again(self, here, monkeypatch):
        job = Job("cartpole", "frozen-d", 0, conditions=TINY)
        play_into(here, "some", [job], silent)
        folders = []
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: folders.extend(jobs.values()) or [])
        play_into(here, "other", [job], silent, shared_with="some")
        assert [folder.exists() for folder in folders] == [True]
        play_into(here, "third", [job], silent)
        assert [folder.exists() for folder in folders] == [True, False]

    def test_cloning_is_measured_like_any_policy(self):
        row = benchmark.clone(Job("cartpole", "bc", 0, conditions=TINY))
        assert row.keys() == {"final_return", "final_score", "action_agreement", "energy_distance"}
        assert row["action_agreement"] > 0.8

    def test_all_methods_and_controls_over_five_seeds(self, here, monkeypatch):
        seen = []
        monkeypatch.setattr(benchmark, "SEEDS", (0, 1, 2, 3, 4))
        monkeypatch.setattr(benchmark, "clone", lambda job: {"cloned": job.seed})
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: seen.extend(jobs) or [])
        file = benchmark.play_into(here, "gail", [Job("cartpole", "frozen-d", 0, conditions=TINY)], silent)
        seen.clear()
        file.write_text(json.dumps({"environment": {}, "rows": []}))
        benchmark.benchmark_gail(here, silent)
        cloned = [row for row in json.loads(file.read_text())["rows"] if row["method"] == "bc"]
        assert len(cloned) == 10
        assert {job.seed for job in seen} == {0, 1, 2, 3, 4}
        assert {"frozen-d", "constant", "bad-demos", "noise", "c-gail", "gail-adam"} <= {job.method for job in seen}
        assert {job.conditions for job in seen} == {Conditions()}

    def test_cells(self, here, monkeypatch):
        seen = []
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: seen.extend(jobs) or [])
        stress.find_cells(here, silent)
        assert {job.method for job in seen} == {"gail-adam"}
        assert not {job.seed for job in seen} & set(benchmark.SEEDS)
        assert len({job.name for job in seen}) == len(seen)
        assert all(job.conditions.every == 10 and job.conditions.trajectories == 1 for job in seen)

    def test_bounds(self, here, monkeypatch):
        seen = []
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: seen.extend(jobs) or [])
        stress.find_bounds(here, silent)
        assert len({job.name for job in seen}) == len(seen) == 20
        assert {job.conditions.knobs.rate for job in seen} == set(stress.BOUNDS.rates)

    def test_variants(self, here, monkeypatch):
        seen = []
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: seen.extend(jobs) or [])
        stress.find_variants(here, silent)
        assert {(job.method, job.setting, job.seed) for job in seen} == {
            (method, cell.setting, seed)
            for method in stress.VARIANTS
            for cell in stress.GRID
            for seed in stress.PILOT_SEEDS
        }
        assert all(METHODS[name].radius and name.endswith("-l2l") for name in stress.VARIANTS)

    def test_transfer_freezes_what_cartpole_trained(self, here, monkeypatch):
        calls = []

        def play_into(out, name, jobs, announce, *, shared_with):
            assert shared_with == "gail"
            calls.append(jobs)
            return out

        monkeypatch.setattr(transfer, "play_into", play_into)
        transfer.measure_transfer(here, silent)
        assert {job.setting for job in calls[0] if job.trained is None} == {"cartpole", "mountain-car", "acrobot"}
        assert all(job.trained is not None and f"-{job.seed}" in job.trained.parent.name for job in calls[1])

    def test_speed(self, here, monkeypatch):
        monkeypatch.setattr(speed, "ITERATIONS", 1)
        monkeypatch.setattr(speed, "REPEATS", 2)
        monkeypatch.setattr(speed, "WIDTHS", ((4,), (5,)))
        monkeypatch.setattr(speed, "PAPER", replace(speed.PAPER, hidden=(4,)))
        threads = torch.get_num_threads()
        rows = json.loads(speed.measure_speed(here, silent).read_text())["rows"]
        torch.set_num_threads(threads)
        rates = {row["method"]: row["over_trpo"] for row in rows if row["what"] == "rate"}
        assert rates["trpo"] == 1
        assert all(rate > 0 for rate in rates.values())
        steps = [row for row in rows if row["what"] == "step"]
        assert {row["size"] for row in steps} == {33, 41}
        assert all(0 < row["share"] < 1 and row["learned_share"] < row["share"] for row in steps)
        assert {row["learned_share"] for row in steps if row["method"] == "gail-adam"} == {0}

    def test_experts_that_are_recorded_are_kept(self, here, monkeypatch):
        monkeypatch.setattr(expert_benchmark, "SETTINGS", {"cartpole": SETTINGS["cartpole"]})
        monkeypatch.setattr(expert_benchmark, "TRAINING_SEEDS", (0,))
        monkeypatch.setattr(expert_benchmark, "EVALUATION_EPISODES", 3)
        monkeypatch.setattr(expert_benchmark, "EPISODES", 2)
        monkeypatch.setattr(expert_benchmark, "DATASETS", here / "datasets")

        class Expert:
            def __call__(self, seen):
                return balance(seen) if seen.ndim == 1 else [balance(one) for one in seen]

        monkeypatch.setattr(expert_benchmark, "train_expert", lambda name, seed: Expert())
        file = expert_benchmark.make_experts(here, silent)
        (row,) = json.loads(file.read_text())["rows"]
        assert (row["expert_return"], row["recorded_return"], row["seed"]) == (500.0, 500.0, 0)
        assert row["random_return"] < 100
        assert Path(here / "datasets" / SETTINGS["cartpole"].dataset).is_dir()
        monkeypatch.setattr(expert_benchmark, "train_expert", pytest.fail)
        assert expert_benchmark.make_experts(here, silent) == file


def test_a_worker_has_one_thread(monkeypatch):
    set_to = []
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    pool._begin()
    assert set_to == [1]


class TestRates:
    CELL = Cell("cartpole", 2)
    PILOT = stress.Pilot("gail-stress-rates", ("gail-adam", "coordinate-l2l", "coordinate-ball-l2l"), (0.001, 0.01))

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(stress, "GRID", (self.CELL,))
        monkeypatch.setattr(stress, "RATES", self.PILOT)
        monkeypatch.setattr(
            stress, "BOUNDS", stress.Pilot("gail-stress-bounds", ("coordinate-bound-l2l",), (0.1, 1.0))
        )

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
            stress.play_grid(here, silent)

    def test_the_grid_takes_each_methods_own_and_noise_that_of_its_updater(self, here, monkeypatch):
        bounds = [
            {"setting": "cartpole", "method": "coordinate-bound-l2l", "stress": name, "seed": seed, "area": area}
            for name, area in ((self.CELL.name(0.1), 0.2), (self.CELL.name(1.0), 0.3))
            for seed in stress.PILOT_SEEDS
        ]
        for name, rows in (("gail-stress-rates", self.rows()), ("gail-stress-bounds", bounds)):
            (here / f"{name}.json").write_text(json.dumps({"rows": rows}))
        seen = []
        monkeypatch.setattr(benchmark, "play_all", lambda jobs: seen.extend(jobs) or [])
        stress.play_grid(here, silent)
        assert {job.seed for job in seen} == set(benchmark.SEEDS)
        assert {job.method: job.conditions.knobs.rate for job in seen} == {
            "gail-adam": 0.01,
            "coordinate-l2l": 0.001,
            "noise": 0.001,
            "coordinate-ball-l2l": 0.01,
            "noise-ball": 0.01,
            "coordinate-bound-l2l": 1.0,
            "frozen-d": None,
        }

    def test_what_is_turned_is_how_far_an_iteration_may_go(self):
        _, optimizer = pose(
            SETTINGS["cartpole"], METHODS["coordinate-bound-l2l"], replace(TINY, knobs=Knobs(0.3, 3)), seed=0
        )
        assert optimizer.max_relative_step == pytest.approx(0.1)


def test_dense_runs_are_played_one_after_the_other(here, monkeypatch):
    calls = []
    monkeypatch.setattr(dense_benchmark, "play_into", lambda out, name, jobs, announce: calls.append(jobs) or out)
    dense_benchmark.measure_dense(here, silent)
    assert [len(jobs) for jobs in calls] == [1, 2, 3, 4]
    assert {job.method for job in calls[-1]} == {"dense-l2l", "dense-ball-l2l", "dense-l2l-paper"}
