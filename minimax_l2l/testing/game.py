"""What every game owes its two players: right gradients, right signs, one move of the running statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.problem import InnerProblem
from minimax_l2l.task import Task
from minimax_l2l.testing.match import BATCHES, Match, Parts, Table
from minimax_l2l.testing.probes import copies, follows, require_factory, same_bits, seeded
from minimax_l2l.testing.violation import require
from minimax_l2l.training.iteration import Measured, Play
from minimax_l2l.trees import Tree, detach


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
    require_factory("task_factory", task_factory, Task)
    require_factory("optimizer_factory", optimizer_factory, InnerOptimizer)
    table = Table(task_factory, optimizer_factory, device, seed, tolerance)
    for law in (
        _theta_has_its_partial_derivative,
        _phi_has_its_own_gradient,
        _players_pull_apart,
        _theta_lowers_its_number,
        _phi_raises_its_number,
        _only_the_outer_pass_moves_statistics,
        _seeds_reproduce,
    ):
        with seeded(seed):
            law(table)


def _theta_gradient(match: Match, *, of: Callable[[InnerProblem, Tree], Tensor]) -> Parts:
    problem, y = match.maximize()
    return torch.autograd.grad(of(problem, detach(y)), match.theta, allow_unused=True)


def _phi_gradient(match: Match) -> Parts:
    problem, y = match.maximize()
    value = match.meta(problem, y)
    require(
        value.requires_grad,
        law="The number that phi ascends depends on phi through y_K",
        seen="it carries no graph",
        remedy="compute it from the y that it is given, without detaching",
    )
    return torch.autograd.grad(value, match.phi, allow_unused=True)


def _theta_has_its_partial_derivative(table: Table) -> None:
    match = table.match()
    if not match.theta:
        return
    match.iteration.differentiate(match.batches[0], "both")
    other = table.match()
    alone = _theta_gradient(other, of=other.outer)
    difference = _difference([parameter.grad for parameter in match.theta], alone)
    require(
        difference <= table.tolerance,
        law="Theta's gradient is that of the outer loss with y_K held fixed",
        seen=f"the joint backward's differs by {difference:.3g}",
        remedy="let no graph to theta into y_K: check the optimizer with check_optimizer, and detach what "
        "initial() or view() make from theta",
    )


def _phi_has_its_own_gradient(table: Table) -> None:
    other = table.match()
    if not other.phi:
        return
    alone = _phi_gradient(other)
    match = table.match()
    match.iteration.differentiate(match.batches[0], "both")
    difference = _difference([parameter.grad for parameter in match.phi], alone)
    require(
        difference <= table.tolerance,
        law="Phi's gradient is that of a pass of its own at the same theta",
        seen=f"the joint backward's differs by {difference:.3g}",
        remedy="keep phi out of everything in losses but y_K",
    )


def _players_pull_apart(table: Table) -> None:
    match = table.match()
    if not match.theta:
        return
    signs = match.problem().signs
    own = set(signs if isinstance(signs, tuple) else (signs,))
    if len(own) > 1:
        return
    outer = _theta_gradient(match, of=match.outer)
    inner = _theta_gradient(table.match(), of=lambda problem, y: problem.objective(y).mean())
    sizes = _product(outer, outer) ** 0.5 * _product(inner, inner) ** 0.5
    cosine = own.pop() * _product(outer, inner) / sizes if sizes else 0.0
    require(
        cosine > -0.999,
        law="Theta and the inner player want different things of the objective",
        seen=f"the outer loss is its opposite (theta's two gradients have cosine {cosine:.3f}): both pull one way",
        remedy="leave out the minus sign in losses: theta descends what the inner player ascends",
    )


def _theta_lowers_its_number(table: Table) -> None:
    match = table.match()
    if not match.theta:
        return
    gradient = _theta_gradient(match, of=match.outer)
    step = _step(table, "theta")
    y = detach(table.match().maximize()[1])

    def loss(length: float) -> Tensor:
        fresh = table.match()
        _shift(fresh.theta, step, length)
        with torch.no_grad():
            return fresh.outer(fresh.problem(), y)

    slope = _product(gradient, step)
    require(
        slope <= 0 and _goes_along(loss, slope),
        law="A small step of theta lowers the outer loss on the same batch",
        seen=f"it changes it at a rate of {slope:.3g} per step",
        remedy="let outer_optimizer minimise, without maximize=True or a minus sign",
    )


def _phi_raises_its_number(table: Table) -> None:
    match = table.match()
    if not match.phi:
        return
    gradient = _phi_gradient(match)
    step = _step(table, "phi")

    def value(length: float) -> Tensor:
        fresh = table.match()
        _shift(fresh.phi, step, length)
        problem, y = fresh.maximize()
        with torch.no_grad():
            return fresh.meta(problem, y)

    slope = _product(gradient, step)
    require(
        slope >= 0 and _goes_along(value, slope),
        law="A small step of phi raises what it ascends on the same batch",
        seen=f"it changes it at a rate of {slope:.3g} per step",
        remedy="let meta_optimizer maximise (maximize=True) and write no minus sign elsewhere",
    )


def _only_the_outer_pass_moves_statistics(table: Table) -> None:
    plays: tuple[Play, ...] = ("joint", "alternating")
    for play in plays:
        match = table.match(play)
        if match.task.outer is None:
            return
        problem = match.problem()
        before = copies(match.task.outer.buffers())
        y = match.solve(problem).y
        require(
            same_bits(before, match.task.outer.buffers()),
            law="Gradient queries leave theta's running statistics alone",
            seen=f"the inner optimizer's moved them in {play} play",
            remedy="name theta's `module` in the problem",
        )
        match.outer(problem, y)
        once = copies(match.task.outer.buffers())
        whole = table.match(play)
        whole.iteration(whole.batches[0])
        assert whole.task.outer is not None
        require(
            same_bits(once, whole.task.outer.buffers()),
            law="An iteration moves theta's running statistics once, in the outer pass",
            seen=f"a whole iteration of {play} play left others than one outer pass",
            remedy="name theta's `module` in the problem, and run no forward of your own in training mode",
        )


def _seeds_reproduce(table: Table) -> None:
    ends = []
    for _ in range(2):
        match = table.match()
        rows = [_floats(match.iteration(batch)) for batch in match.batches]
        modules = [module for module in (match.task.outer, match.optimizer) if module is not None]
        ends.append((rows, [part for module in modules for part in module.state_dict().values()]))
    require(
        ends[0][0] == ends[1][0] and same_bits(ends[0][1], ends[1][1]),
        law="The same seed gives the same game to the bit",
        seen=f"two games of {BATCHES} iterations differ",
        remedy="draw random numbers from torch or from generators with a seed, and let batches() start again at "
        "each call",
    )


def _floats(measured: Measured) -> dict[str, float]:
    return {name: float(value) for name, value in measured.items()}


def _step(table: Table, player: str) -> Parts:
    """How far one whole iteration moves a player."""
    match = table.match()
    weights = match.theta if player == "theta" else match.phi
    before = copies(weights)
    match.iteration(match.batches[0])
    return [after.detach() - was for after, was in zip(weights, before, strict=True) if was is not None]


@torch.no_grad()
def _shift(weights: Iterable[Tensor], step: Parts, length: float) -> None:
    for weight, part in zip(weights, step, strict=True):
        if part is not None:
            weight += length * part


def _goes_along(value: Callable[[float], Tensor], slope: float) -> bool:
    """Whether a value changes along a player's step as its gradient says.

    To a factor of ten: phi's gradient takes the inner gradients for constants unless told otherwise.
    """
    start = value(0.0)
    held = follows(
        lambda t: (value(float(t)) - start).reshape(1),
        start.new_full((1,), slope),
        size=start.reshape(1),
        longest=start.new_full((1,), 10.0),
        factor=10,
    )
    return bool(held.all())


def _product(one: Parts, other: Parts) -> float:
    pairs = zip(one, other, strict=True)
    return sum(float((a.double() * b.double()).sum()) for a, b in pairs if a is not None and b is not None)


def _difference(one: Parts, other: Parts) -> float:
    """The largest absolute difference; infinite where one has a gradient and the other has none."""
    sizes = [0.0]
    for a, b in zip(one, other, strict=True):
        if a is None or b is None:
            sizes.append(0.0 if a is b else float("inf"))
        else:
            sizes.append(float((a - b).abs().max()))
    return max(sizes)
