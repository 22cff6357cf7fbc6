"""Games that are played step by step until a budget of evaluations is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from minimax_l2l import InnerOptimizer, InnerProblem, Task, Tree, leaves
from minimax_l2l.errors import require_a, require_count
from minimax_l2l.iterate import Iterate, State
from tasks.games.experiments.trial import SOLVED, arrival, at_wrong_point
from tasks.games.game import Game

LOST = 1e30  # value of a game that nobody brings back


class Playing(Task):
    """Play n games from their starts, as `trial` does, so that a run of it is kept and can be resumed.

    There is no theta, and an optimizer that learns would learn nothing. Each batch is where play stands, and its
    inner problem is one step more from there. A run that takes more than one step per batch may use more than its
    budget.

    Args:
        game: n games.
        budget: evaluations: gradients of both players at one pair, and products with second derivatives, which
            cost as much.

    Attributes:
        game: the games, on the device of the run.
        end: where play stands: the pair, and the state of the optimizer.
        used: evaluations so far.
        arrived: since how many of them each game has been within `SOLVED` of a minimax point, shape (n,); infinite
            where it is not.
    """

    data_parallel = False

    def __init__(self, game: Game, *, budget: int) -> None:
        self.game = require_a("game", game, Game, "a Game", "pass SUITE['xy'].sample(100), say")
        self.budget = require_count("budget", budget)
        self.used = 0.0
        self.end = Iterate(game.initial())
        self.arrived = torch.full((len(game.start[0]),), torch.inf)

    def batches(self) -> Iterator[Iterate]:
        """Where play stands, as long as the budget lasts."""
        self.game, self.arrived = self.game.to(self.device), self.arrived.to(self.device)
        if not self.used:
            self.arrived = arrival(self.game, self.game.initial(), self.arrived, 0)
        while self.used < self.budget:
            yield self.end

    def batches_from(self, start: int) -> Iterator[Iterate]:  # noqa: ARG002
        """The same: play that is resumed goes on from where it stands."""
        return self.batches()

    def inner_problem(self, batch: Iterate) -> InnerProblem:
        """The games from where they stand."""
        return Continued(self, batch)

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:  # noqa: ARG002
        """Where the games stand: evaluations, median distance, shares, and the pair of the first if it is planar.

        `solved` is the share of games within `SOLVED` of a minimax point, and `wrong` the share that is as near to
        a point where the field is zero and which is none. Families without a minimax point have neither the first
        nor a distance.
        """
        numbers = {"evaluations": self.used, "wrong": self.wrong.double().mean().item()}
        distance = self.game.distance(self.end.y).nan_to_num(torch.inf)
        if self.solvable:
            solved = (distance <= SOLVED).double().mean().item()
            numbers |= {"median_distance": distance.median().item(), "solved": solved}
        pair = torch.cat(leaves(self.end.y), dim=1)[0]
        if len(pair) == 2:
            numbers |= {"x": pair[0].item(), "y": pair[1].item()}
        return numbers

    @cached_property
    def solvable(self) -> int:
        """How many of the games have a minimax point."""
        return int(self.game.distance(self.game.initial()).isfinite().sum())

    @property
    def wrong(self) -> Tensor:
        """Which games stand at a point where the field is zero and which is no minimax point, shape (n,)."""
        return at_wrong_point(self.game, self.end.y)

    def state_dict(self) -> dict[str, Any]:
        """Where play stands and since when; and what the games' points are, which may take long to work out."""
        pair, state = self.end
        where = {"pair": leaves(pair), "state": list(state), "used": self.used, "arrived": self.arrived}
        return {**where, "kinds": self.game.kinds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.end = Iterate(tuple(state["pair"]), tuple(state["state"]))
        self.used, self.arrived = state["used"], state["arrived"]
        vars(self.game)["kinds"] = state["kinds"]


class Continued(InnerProblem):
    """One step more of the games. One that is lost has no value and no gradient any more, and the others go on.

    Args:
        task: which games, and where it is noted how they stand.
        end: where they stand.
    """

    lives_on = True

    def __init__(self, task: Playing, end: Iterate) -> None:
        self.task, self.end = task, end
        self.constraint, self.signs = task.game.constraint, task.game.signs

    def initial(self) -> Tree:
        """Where the last step ended."""
        return self.end.y

    def initial_state(self) -> State:
        """What the optimizer carried there."""
        return self.end.state

    def objective(self, y: Tree) -> Tensor:
        """f(x, y), shape (n,)."""
        values = self.task.game.objective(y)
        return values.where(values.abs() < LOST, 0.0)

    def remember(self, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Note where the games stand now."""
        task = self.task
        task.end, task.used = end, self.passes.input_gradient
        task.arrived = arrival(task.game, end.y, task.arrived, task.used)
