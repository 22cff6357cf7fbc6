"""What every game owes its two players: right gradients, right signs, one move of the running statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import get_args

import torch
from torch import Tensor

from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.task import Task
from minimax_l2l.testing import probes
from minimax_l2l.testing.law import law, uphold
from minimax_l2l.testing.match import Match, Parts, Player
from minimax_l2l.training.iteration import Iteration, Play
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.trees import detach

BATCHES = 3


def check_game(
    task_factory: Callable[[], Task],
    optimizer_factory: Callable[[], InnerOptimizer],
    *,
    device: str = "cpu",
    seed: int = 0,
    tolerance: float = 0.0,
) -> None:
    """One backward, two gradients: theta's at a fixed y, phi's through y, each moving its player the right way.

    Args:
        task_factory: returns a fresh task; its weights may be random, since each call follows the same seed.
        optimizer_factory: returns a fresh inner optimizer, hand-designed or learned.
        device: where the game is played.
        seed: of everything random.
        tolerance: largest difference between joint and separate gradients; not zero only where a device's
            arithmetic does not repeat.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if one of the two is no factory.
    """
    probes.require_factory("task_factory", task_factory, Task)
    probes.require_factory("optimizer_factory", optimizer_factory, InnerOptimizer)
    uphold(_Trial, lambda: _Trial(task_factory, optimizer_factory, device, seed, tolerance), seed=seed)


@dataclass(frozen=True)
class _Trial:
    """Where the same match can be played again and again."""

    task_factory: Callable[[], Task]
    optimizer_factory: Callable[[], InnerOptimizer]
    device: str
    seed: int
    tolerance: float

    def match(self, play: Play = "joint") -> Match:
        """A fresh match; everything random starts again from the seed."""
        torch.manual_seed(self.seed)
        task, optimizer = self.task_factory(), self.optimizer_factory()
        runtime = Runtime(self.device)
        iteration = Iteration(task, optimizer, runtime, play=play)
        for player in iteration.players:
            for group in player.optimizer.param_groups:
                if "weight_decay" in group:  # it pulls towards zero, whatever the players want
                    group["weight_decay"] = 0.0
        batches = [runtime.share(batch)[0] for batch in islice(task.batches(), BATCHES)]
        return Match(iteration, batches)

    def astray(self, player: Player) -> Iterator[str]:
        """By how much the joint backward's gradient differs from the player's own, if it does."""
        match = self.match()
        if not match.weights(player):
            return
        alone = match.gradient(player)
        match = self.match()
        match.iteration.differentiate(match.batches[0], "both")
        difference = _difference([weight.grad for weight in match.weights(player)], alone)
        if not difference <= self.tolerance:
            yield f"the joint backward's differs by {difference:.3g}"

    def against(self, player: Player, sign: float) -> Iterator[str]:
        """How fast a step of the player changes its number, if against the sign that it should."""
        match = self.match()
        if not match.weights(player):
            return
        gradient, step = match.gradient(player), self.step(player)
        slope = _product(gradient, step)
        end = detach(self.match().maximize()[1])

        def number(length: float) -> Tensor:
            fresh = self.match()
            with torch.no_grad():
                for weight, part in zip(fresh.weights(player), step, strict=True):
                    weight += length * part
            problem, y = (fresh.problem(), end) if player == "theta" else fresh.maximize()
            with torch.no_grad():
                return fresh.number(player, problem, y)

        start = number(0.0)
        along = probes.follows(
            lambda t: (number(float(t)) - start).reshape(1),
            start.new_full((1,), slope),
            size=start.reshape(1),
            longest=start.new_full((1,), 10.0),
            factor=10,  # for phi's gradient takes the inner gradients for constants unless told otherwise
        )
        if not (sign * slope >= 0 and bool(along.all())):
            yield f"it changes it at a rate of {slope:.3g} per step"

    def step(self, player: Player) -> list[Tensor]:
        """How far one whole iteration moves a player."""
        match = self.match()
        before = [weight.detach().clone() for weight in match.weights(player)]
        match.iteration(match.batches[0])
        return [now.detach() - was for now, was in zip(match.weights(player), before, strict=True)]

    @law(
        "let no graph to theta into y_K: check the optimizer with check_optimizer, and detach what initial() or "
        "view() make from theta"
    )
    def theta_has_its_partial_derivative(self) -> Iterator[str]:
        """Theta's gradient is that of the outer loss with y_K held fixed."""
        return self.astray("theta")

    @law("compute it from the y that it is given, without detaching")
    def phi_has_a_graph(self) -> Iterator[str]:
        """The number that phi ascends depends on phi through y_K."""
        match = self.match()
        if match.weights("phi") and not match.number("phi", *match.maximize()).requires_grad:
            yield "it carries no graph"

    @law("keep phi out of everything in losses but y_K")
    def phi_has_its_own_gradient(self) -> Iterator[str]:
        """Phi's gradient is that of a pass of its own at the same theta."""
        return self.astray("phi")

    @law("leave out the minus sign in losses: theta descends what the inner player ascends")
    def players_pull_apart(self) -> Iterator[str]:
        """Theta and the inner player want different things of the objective."""
        match = self.match()
        if not match.weights("theta"):
            return
        problem, y = match.maximize()
        signs = set(problem.signs_of(y))
        if len(signs) > 1:
            return
        objective = problem.objective(detach(y)).mean()
        inner = torch.autograd.grad(objective, match.weights("theta"), allow_unused=True)
        outer = self.match().gradient("theta")
        sizes = _product(outer, outer) ** 0.5 * _product(inner, inner) ** 0.5
        cosine = signs.pop() * _product(outer, inner) / sizes if sizes else 0.0
        if not cosine > -0.999:
            angle = f"theta's two gradients have cosine {cosine:.3f}"
            yield f"the outer loss is its opposite ({angle}): both pull one way"

    @law("let outer_optimizer minimise, without maximize=True or a minus sign")
    def theta_lowers_its_number(self) -> Iterator[str]:
        """A small step of theta lowers the outer loss on the same batch."""
        return self.against("theta", -1)

    @law("let meta_optimizer maximise (maximize=True) and write no minus sign elsewhere")
    def phi_raises_its_number(self) -> Iterator[str]:
        """A small step of phi raises what it ascends on the same batch."""
        return self.against("phi", 1)

    @law("name theta's `module` in the problem")
    def queries_leave_statistics(self) -> Iterator[str]:
        """Gradient queries leave theta's running statistics alone."""
        for play in get_args(Play):
            match = self.match(play)
            problem, before = match.problem(), probes.copies(match.statistics())
            match.solve(problem)
            if not probes.same_bits(before, match.statistics()):
                yield f"the inner optimizer's moved them in {play} play"

    @law("name theta's `module` in the problem, and run no forward of your own in training mode")
    def outer_pass_moves_statistics(self) -> Iterator[str]:
        """An iteration moves theta's running statistics once, in the outer pass."""
        for play in get_args(Play):
            once = self.match(play)
            if once.iteration.task.outer is None:
                return
            once.number("theta", *once.maximize())
            whole = self.match(play)
            whole.iteration(whole.batches[0])
            if not probes.same_bits(once.statistics(), whole.statistics()):
                yield f"a whole iteration of {play} play left others than one outer pass"

    @law(
        "draw random numbers from torch or from generators with a seed, and let batches() start again at each call"
    )
    def seeds_reproduce(self) -> Iterator[str]:
        """The same seed gives the same game to the bit."""
        rows, weights = zip(*(self.play() for _ in range(2)), strict=True)
        if rows[0] != rows[1] or not probes.same_bits(*weights):
            yield f"two games of {BATCHES} iterations differ"

    def play(self) -> tuple[list[dict[str, float]], list[Tensor]]:
        """A few iterations: what was measured, and where both players end."""
        match = self.match()
        rows = [{n: float(value) for n, value in match.iteration(batch).items()} for batch in match.batches]
        players = (match.iteration.task.outer, match.iteration.optimizer)
        modules = [module for module in players if module is not None]
        return rows, [part for module in modules for part in module.state_dict().values()]


def _product(one: Parts, other: Parts) -> float:
    pairs = zip(one, other, strict=True)
    return sum(float((a.double() * b.double()).sum()) for a, b in pairs if a is not None and b is not None)


def _difference(one: Parts, other: Parts) -> float:
    """The largest absolute difference; infinite where one has a gradient and the other has none."""
    pairs = list(zip(one, other, strict=True))
    if any((a is None) is not (b is None) for a, b in pairs):
        return math.inf
    sizes = [(a - b).abs().max().double() for a, b in pairs if a is not None and b is not None]
    return float(torch.stack(sizes).max()) if sizes else 0.0  # NaN if one of them is
