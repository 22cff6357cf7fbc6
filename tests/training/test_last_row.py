"""How a run ends: the last step is logged with all its numbers and validated once, however often it was resumed."""

import json
import os
import signal
from itertools import count

import pytest
import torch
from specimens import Through
from torch import nn

from minimax_l2l import PGM, BestWeights, L2Ball, LearnedOptimizer, MLPUpdater, Passes, Status, Task
from minimax_l2l.training.run import Run

STEPS = 6


class Game(Task):
    """min over theta of max over ||y|| <= 1 of theta . y, dropout included; validated by looking at theta."""

    def __init__(self, *, iterations=None, batches=STEPS):
        torch.manual_seed(0)
        self.outer = nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 1))
        self.iterations, self.made, self.modes = iterations, batches, []

    def batches(self):
        return iter([torch.ones(2, 2)] * self.made)

    def inner_problem(self, batch):
        return Through(self.outer, batch, constraint=L2Ball(1.0))

    def validate(self, optimizer):
        self.modes.append(self.outer.training)
        return {"length": self.outer[0].weight.norm().item()}


def solve(game=None, optimizer=None, **options):
    game = game or Game()
    optimizer = optimizer or PGM(steps=1, step_size=0.1)
    return game.solve(optimizer, **{"device": "cpu", "log_every": 5, "validate_every": 4, **options})


@pytest.mark.parametrize("iterations", [None, STEPS])
def test_the_end_is_validated_once(iterations):
    game = Game(iterations=iterations)
    best = BestWeights("length", highest=False)
    solution = solve(game, hooks=[best])
    assert [row["step"] for row in solution.history] == [4, 5, 6]
    assert [("length" in row) for row in solution.history] == [True, False, True]
    assert solution.history[-1]["length"] == game.outer[0].weight.norm().item()
    assert len(game.modes) == 2
    assert best.step == min(
        (4, 6), key=lambda step: next(r["length"] for r in solution.history if r["step"] == step)
    )


@pytest.mark.parametrize("iterations", [None, STEPS])
@pytest.mark.parametrize("validate_every", [1, 2, 3, 6])
def test_not_again_where_the_last_step_was_validated(iterations, validate_every):
    game = Game(iterations=iterations)
    assert solve(game, validate_every=validate_every).history[-1]["step"] == STEPS
    assert len(game.modes) == STEPS // validate_every


@pytest.mark.parametrize("iterations", [None, STEPS])
def test_a_last_row_that_was_logged_already_gets_its_validation(iterations, tmp_path):
    solution = solve(Game(iterations=iterations), log_every=3, out=tmp_path)
    assert [row["step"] for row in solution.history] == [3, 4, 6]
    assert "length" in solution.history[-1]
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == solution.history


def test_the_last_row_has_every_number_where_the_length_is_known():
    known, unknown = (set(solve(Game(iterations=one)).history[-1]) for one in (STEPS, None))
    assert known == {"step", "seconds", "objective", "inner_gain", "inner_size", "inner_violation", "length"}
    assert unknown == {"step", "seconds", "objective", "length"}


def test_nobody_is_validated_who_did_not_ask(tmp_path):
    game = Game(iterations=STEPS)
    assert set(solve(game, validate_every=0).history[-1]) >= {"step", "objective", "inner_gain"}
    assert game.modes == []
    none = Game(batches=0)
    with pytest.warns(UserWarning, match="0 steps"):
        assert solve(none).status is Status.EMPTY
    assert none.modes == []


def test_a_run_that_is_stopped_is_not_at_its_end():
    game = Game(iterations=STEPS)
    assert solve(game, steps=5).status is Status.STOPPED
    assert len(game.modes) == 1


@pytest.mark.parametrize("iterations", [None, STEPS])
def test_it_is_neither_counted_nor_timed(iterations, monkeypatch):
    clock = count()
    monkeypatch.setattr("minimax_l2l.training.run.time.perf_counter", lambda: float(next(clock)))
    with_it, without = (solve(Game(iterations=iterations), validate_every=every) for every in (4, 0))
    assert with_it.passes == without.passes == Passes(2 * STEPS, 2 * STEPS, STEPS)
    assert with_it.seconds == without.seconds == STEPS


def test_theta_is_validated_in_train_mode_as_in_between():
    game = Game()
    solve(game)
    assert game.modes == [True, True]
    assert not game.outer.training


def rows(folder):
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


class Killed(Exception):
    """The power fails."""


def press(step):
    return lambda row: os.kill(os.getpid(), signal.SIGINT) if row["step"] == step else None


def learned():
    torch.manual_seed(1)
    return LearnedOptimizer(MLPUpdater(), steps=1)


def left(folder):
    """Rows and weights of a run."""
    return rows(folder), (folder / "model" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """What runs leave behind that nobody interrupted and that kept no checkpoint on their way."""
    made = {}
    for iterations in (None, STEPS):
        for log_every in (5, 6, 3):
            folder = tmp_path_factory.mktemp("straight")
            solve(Game(iterations=iterations), learned(), out=folder, log_every=log_every)
            made[iterations, log_every] = left(folder)
    return made


@pytest.mark.parametrize("iterations", [None, STEPS])
@pytest.mark.parametrize("log_every", [5, 6, 3])
@pytest.mark.parametrize("checkpoint_every", [1, 4, 6])
class TestResuming:
    """Rows and weights are those of a run that nobody interrupted."""

    @pytest.fixture
    def play(self, iterations, log_every, checkpoint_every, tmp_path):
        def play(**options):
            every = {"log_every": log_every, "checkpoint_every": checkpoint_every}
            return solve(Game(iterations=iterations), learned(), out=tmp_path, **every, **options)

        return play

    def goes_on(self, play, folder, expected):
        torch.manual_seed(5)
        assert play(resume=True).status is Status.COMPLETED
        assert left(folder) == expected

    @pytest.mark.parametrize("step", [5, 6])
    def test_after_ctrl_c(self, play, step, iterations, log_every, straight, tmp_path):
        assert play(callbacks=[press(step)]).status is Status.INTERRUPTED
        self.goes_on(play, tmp_path, straight[iterations, log_every])

    @pytest.mark.parametrize("moment", ["_finish", "_end"])
    def test_after_a_kill_between_the_last_step_and_the_end(
        self, play, moment, iterations, log_every, straight, tmp_path, monkeypatch
    ):
        def kill(run):
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Run, moment, kill)
            with pytest.raises(Killed):
                play()
        self.goes_on(play, tmp_path, straight[iterations, log_every])
