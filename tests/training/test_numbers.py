"""What a task gives to be logged: single numbers under names of its own."""

import numpy as np
import pytest
import torch
from specimens import Through
from torch import nn

from minimax_l2l import PGM, L2Ball, Losses, Task
from minimax_l2l.training.numbers import OWN

MANY = {"a list": [1.0], "a vector": torch.ones(2), "words": "1.0", "nothing": None, "complex": torch.ones(1) * 1j}


class Game(Task):
    """min over theta of max over ||y|| <= 1 of theta . y, with one thing more to log."""

    moves_theta = True

    def __init__(self, where="losses", more=None):
        self.outer = nn.Linear(2, 1)
        self.more = {where: more or {}}

    def batches(self):
        return [torch.zeros(2, 2)] * 3

    def inner_problem(self, batch):
        return Through(self.outer, batch, constraint=L2Ball(1.0))

    def losses(self, problem, y):
        return Losses(problem.objective(y).mean(), logged=self.more.get("losses", {}))

    def move_theta(self, problem, end):
        return self.more.get("move_theta", {})

    def validate(self, optimizer):
        return self.more.get("validate", {})


def solve(where, more):
    game = Game(where, more)
    return game.solve(PGM(steps=1, step_size=0.1), device="cpu", log_every=1, validate_every=1)


PLACES = pytest.mark.parametrize("where", ["losses", "move_theta", "validate"])


@PLACES
@pytest.mark.parametrize(
    "number", [2.5, 2, True, np.float32(2.5), np.int64(2), torch.tensor(2.5), torch.tensor([2]), torch.tensor(True)]
)
def test_a_single_number_is_logged(where, number):
    rows = solve(where, {"mine": number}).history
    assert [row["mine"] for row in rows] == [float(number)] * 3


def test_a_number_with_its_graph_is_logged_without_it():
    class Logging(Game):
        def losses(self, problem, y):
            loss = problem.objective(y).mean()
            return Losses(loss, logged={"twice": 2 * loss})

    row = Logging().solve(PGM(steps=1, step_size=0.1), device="cpu", log_every=1).history[0]
    assert row["twice"] == 2 * row["objective"]


@PLACES
@pytest.mark.parametrize("value", MANY.values(), ids=MANY)
def test_anything_else_is_refused_by_its_name(where, value):
    with pytest.raises(TypeError, match=rf"what {where} returns.* must be numbers by name, got 'mine': "):
        solve(where, {"mine": value})


@PLACES
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("number", [1.0, torch.tensor(1.0)], ids=["plain", "tensor"])
def test_a_name_of_the_loops_own_is_refused(where, name, number):
    with pytest.raises(ValueError, match=rf"must leave '{name}' to the loop, .*; give it another name"):
        solve(where, {name: number})


@pytest.mark.parametrize("logged", [[1.0], None, torch.ones(2), "loss"], ids=repr)
def test_what_is_no_mapping_is_refused(logged):
    game = Game()
    game.losses = lambda problem, y: Losses(problem.objective(y).mean(), logged=logged)
    with pytest.raises(TypeError, match="what losses returns as logged must be numbers by name, got"):
        game.solve(PGM(steps=1, step_size=0.1), device="cpu")
