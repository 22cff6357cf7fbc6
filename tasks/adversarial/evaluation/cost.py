"""What a training costs, from one step on fake tensors, which have shapes and no memory: nothing is computed."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from minimax_l2l import InnerOptimizer, Runtime
from minimax_l2l.errors import require_a, require_choice
from minimax_l2l.modes import train
from minimax_l2l.optimizers.base import require_inner_optimizer
from minimax_l2l.training.iteration import Iteration, Play
from minimax_l2l.training.step import Moving, Step
from tasks.adversarial.batches import Batch
from tasks.adversarial.evaluation.activations import KeptActivations
from tasks.adversarial.task import AdversarialTraining


@dataclass(frozen=True)
class StepCost:
    """What one step takes, both players together, in the dtypes that they have.

    Attributes:
        flops: of convolutions and matrix products, forward and backward. A multiplication and an addition are two;
            element-wise operations are left out.
        weights: bytes of parameters and buffers.
        gradients: the largest number of bytes of the parameters' gradients at any time.
        moments: bytes of the optimizers' states, such as SGD's momentum.
        activations: the largest number of bytes that are kept for backward passes at any time.
    """

    flops: int
    weights: int
    gradients: int
    moments: int
    activations: int


def step_cost(task: AdversarialTraining, optimizer: InnerOptimizer, *, play: Play = "joint") -> StepCost:
    """Predict the cost of a step; task and optimizer stay as they are, and may be on the meta device.

    Args:
        task: a game whose first batch is as large as all others. An optimizer of theta's that was handed over made
            already has moments that are not counted.
        optimizer: its inner optimizer.
        play: see `Task.solve`.

    Returns:
        Work and memory, to the byte but for what kernels use while they run.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the task has no batch, or there is no such play.
    """
    require_a("task", task, AdversarialTraining, "an AdversarialTraining", "pass the game")
    require_inner_optimizer("optimizer", optimizer)
    require_choice("play", play, get_args(Play))
    (cost,) = _predicted(task, optimizer, [(0, _turns(play, learns=optimizer.learns))])
    return cost


def _predicted(
    task: AdversarialTraining, optimizer: InnerOptimizer, steps: Iterable[tuple[int, Sequence[Moving]]]
) -> list[StepCost]:
    """The costs of some steps, by their numbers and by who moves, each played on the first batch."""
    batch = _first(task)
    task, optimizer = copy.deepcopy((task, optimizer), {id(task.data): task.data})
    step = Step(task, optimizer)
    with FakeTensorMode(allow_non_fake_inputs=True):
        step.to_empty(device="cpu")
        train(step)
        players = [task.outer_optimizer(), *([optimizer.meta_optimizer()] if optimizer.learns else [])]
        return [_of_a_step(step, batch._replace(step=number), turns, players) for number, turns in steps]


def _of_a_step(
    step: Step, batch: Batch, turns: Sequence[Moving], players: Sequence[torch.optim.Optimizer]
) -> StepCost:
    kept, gradients = KeptActivations(step), 0
    with kept, FlopCounterMode(display=False) as counter:
        for moving in turns:
            step.zero_grad()
            outcome = step(tree_map_only(Tensor, partial(torch.empty_like, device="cpu"), batch), moving)
            if outcome.loss is not None:
                outcome.loss.backward()
            del outcome
            gradients = max(gradients, _bytes(weight.grad for weight in step.parameters()))
            for player in players:
                player.step()
    return StepCost(
        flops=int(counter.get_total_flops()),
        weights=_bytes([*step.parameters(), *step.buffers()]),
        gradients=gradients,
        moments=_bytes(tree_leaves([dict(player.state) for player in players])),
        activations=kept.most,
    )


def training_flops(task: AdversarialTraining, optimizer: InnerOptimizer, *, play: Play = "joint") -> int:
    """FLOPs of a whole run: of each kind of step those of one, as `StepCost` counts them, times how many there are.

    Steps differ where phi learns on a part of them, where what y ascends differs, as every second time in NuAT, and
    where the start asks for gradients of its own, as every 20th time in LIET.

    Args:
        task: a game that may be spoiled: if a network cannot do without values, steps of it are played.
        optimizer: its inner optimizer.
        play: see `Task.solve`.
    """
    every, period = getattr(optimizer, "learns_every", 1), task.outer_loss.period if task.outer_loss else 1
    first: dict[tuple[bool, int, bool], int] = {}
    counts: Counter[tuple[bool, int, bool]] = Counter()
    for step in range(task.iterations or 0):
        kind = step % every == 0, step % period, task.start is not None and task.start.asks(step)
        first.setdefault(kind, step)
        counts[kind] += 1
    if not counts:
        return 0
    try:
        turns = _turns(play, learns=optimizer.learns)
        steps = [(number, turns if learning else ("theta",)) for (learning, *_), number in first.items()]
        flops = [cost.flops for cost in _predicted(task, optimizer, steps)]
    except Exception:  # a stranger's network may raise anything
        flops = list(_played(task, optimizer, first.values(), play))
    return sum(count * own for count, own in zip(counts.values(), flops, strict=True))


def _played(
    task: AdversarialTraining, optimizer: InnerOptimizer, steps: Iterable[int], play: Play
) -> Iterator[int]:
    """FLOPs of some steps, by their numbers, each played for real on the first batch."""
    iteration, batch = Iteration(task, optimizer, Runtime("cpu"), play=play), _first(task)
    for number in steps:
        with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
            iteration(batch._replace(step=number))
        yield int(counter.get_total_flops())


def _first(task: AdversarialTraining) -> Batch:
    with torch.random.fork_rng():
        batch = next(iter(task.batches()), None)
    if batch is None:
        raise ValueError("the task has no batch, so no step; give it epochs=1 or more.")
    return batch


def _turns(play: Play, *, learns: bool) -> tuple[Moving, ...]:
    """Who moves after each backward of a step."""
    if play == "joint":
        return ("both",)
    return ("theta", "phi") if learns else ("theta",)


def _bytes(tensors: Iterable[object]) -> int:
    """Of all that are tensors."""
    return sum(tensor.nbytes for tensor in tensors if isinstance(tensor, Tensor))
