"""`Task.solve`: every argument, and what each method of a task returns."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from doors import wrong
from doors.door import Door, knocking_at
from hypothesis import strategies as st
from specimens import Stepping, Through
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, StepLR

from minimax_l2l import PGM, Hook, InnerOptimizer, InnerProblem, L2Ball, Losses, Runtime, Task, WeightAverage
from minimax_l2l.training.callbacks import TensorBoard


class Game(Task):
    """min over theta of max over ||y|| <= 1 of theta . y, one method of which returns something else."""

    moves_theta = True

    def __init__(self, **returned):
        self.outer = returned.get("outer", nn.Linear(2, 1))
        self.returned = returned

    def batches(self):
        return self.returned.get("batches", [torch.zeros(2, 2)])

    def inner_problem(self, batch):
        return self.returned.get("inner_problem", Through(self.outer, batch, constraint=L2Ball(1.0)))

    def losses(self, problem, y):
        return self.returned["losses"] if "losses" in self.returned else super().losses(problem, y)

    def outer_optimizer(self):
        return self.returned.get("outer_optimizer", torch.optim.SGD(self.outer.parameters(), lr=0.1))

    def outer_schedule(self, optimizer):
        return self.returned["outer_schedule"] if "outer_schedule" in self.returned else StepLR(optimizer, 1)

    def move_theta(self, problem, end):
        return self.returned.get("move_theta", {})

    def validate(self, optimizer):
        return self.returned.get("validate", {"number": 1.0})


def solve(**options):
    return Game().solve(**{"device": "cpu", **options})


def play(**returned):
    return Game(**returned).solve(PGM(steps=1, step_size=0.1), device="cpu", validate_every=1)


MANY = [None, 3, "ab", {1}, (part for part in "ab"), {"a": print}, [3], [None], ["ab"], [int], [Runtime]]
CALLBACKS = st.sampled_from([*MANY, print, [print, print]])
AVERAGE = WeightAverage()
HOOKS = st.sampled_from([*MANY, AVERAGE, WeightAverage, [WeightAverage], [Hook], [AVERAGE, AVERAGE], [print]])
DEVICES = st.sampled_from(["gpu", "", "cuda:x", "cpu:1", -1, 0, 1.5, [0], True, nn.Linear, torch.ones(1), b"cpu"])
MAPPING = wrong.not_a(Mapping)
LOSSES = st.sampled_from([None, 1.0, (1.0, None), torch.ones(()), Losses(None), Losses(1.0), Losses(torch.ones(2))])
SOLVE = Door(
    "solve",
    solve,
    lambda: {"optimizer": PGM(steps=1, step_size=0.1)},
    {
        "optimizer": wrong.not_a(InnerOptimizer),
        "play": wrong.not_one_of("joint", "alternating"),
        "steps": wrong.given(wrong.not_a_count()) | st.integers(min_value=10**13),
        "out": wrong.given(wrong.not_a(str, Path)),
        "resume": wrong.not_a_flag(),
        "overwrite": wrong.not_a_flag(),
        "about": MAPPING | st.sampled_from([{"a": object()}, {"a": {1}}, {"a": torch.ones(1)}]),
        "device": DEVICES,
        "devices": wrong.given(wrong.not_a_count(1)),
        "precision": wrong.not_one_of("32-true", "bf16-mixed"),
        "log_every": wrong.not_a_count(1),
        "validate_every": wrong.not_a_count(),
        "checkpoint_every": wrong.not_a_count(1),
        "progress": wrong.given(wrong.not_a(str)),
        "callbacks": CALLBACKS,
        "hooks": HOOKS,
        "on_failure": wrong.not_one_of("raise", "stop"),
    },
)
GAME = Door(
    "a task",
    play,
    dict,
    {
        "outer": wrong.given(wrong.not_a(nn.Module)),
        "batches": st.sampled_from([None, 3, 0.5, object(), True]),
        "inner_problem": wrong.not_a(InnerProblem),
        "losses": LOSSES,
        "outer_optimizer": wrong.not_a(torch.optim.Optimizer),
        "outer_schedule": wrong.given(wrong.not_a(LRScheduler)),
        "move_theta": MAPPING | st.sampled_from([{"a": "b"}, {"a": None}, {"a": torch.ones(2)}, {1: 1.0}]),
        "validate": MAPPING | st.sampled_from([{"a": "b"}, {"a": None}, {"a": torch.ones(2)}, {1: 1.0}]),
    },
)


TENSORBOARD = Door(
    "TensorBoard",
    TensorBoard,
    lambda: {"folder": "events"},
    {"folder": wrong.not_a(str, Path), "every": wrong.not_a_count(1)},
)


test_wrong_values_are_refused, test_right_values_are_taken = knocking_at(SOLVE, GAME, TENSORBOARD)


@pytest.mark.parametrize(
    "answer",
    [(torch.zeros(1, 2), ()), (torch.zeros(2, 2).double(), ()), (None, ()), (torch.zeros(2, 2), (1,)), None],
)
def test_an_own_optimizer_that_returns_something_else(answer):
    with pytest.raises((TypeError, ValueError), match=r"^Stepping\.step "):
        solve(optimizer=Stepping(answer))


class Complex(Through):
    def objective(self, y):
        return super().objective(y) * 1j


@pytest.mark.parametrize("steps", [0, 1])
def test_an_objective_of_complex_numbers(steps):
    theta = nn.Linear(2, 1)
    game = Game(outer=theta, inner_problem=Complex(theta, torch.zeros(2, 2)))
    with pytest.raises(TypeError, match=r"^objective\(y\) must return real numbers, got torch.complex64"):
        game.solve(PGM(steps=steps, step_size=0.1), device="cpu")


def test_two_hooks_that_write_over_each_other(tmp_path):
    hooks = [WeightAverage(0.9), WeightAverage(0.99)]
    solve(optimizer=PGM(steps=1, step_size=0.1), hooks=hooks)
    with pytest.raises(ValueError, match="two of hooks write to average/; leave one out"):
        solve(optimizer=PGM(steps=1, step_size=0.1), hooks=hooks, out=tmp_path)
