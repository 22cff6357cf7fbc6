"""What a training costs, from one step on fake tensors, which have shapes and no memory: nothing is computed."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from minimax_l2l import InnerOptimizer, Runtime
from minimax_l2l.errors import require_a
from minimax_l2l.modes import train
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.step import Moving, Step
from tasks.adversarial.evaluation.activations import KeptActivations
from tasks.adversarial.task import AdversarialTraining


@dataclass(frozen=True)
class StepCost:
    """What one step takes, both players together, in joint play and the dtypes that they have.

    Attributes:
        flops: of convolutions and matrix products, forward and backward. A multiplication and an addition are two;
            element-wise operations are left out.
        weights: bytes of parameters and buffers.
        gradients: bytes of the parameters' gradients.
        moments: bytes of the optimizers' states, such as SGD's momentum.
        activations: the largest number of bytes that are kept for backward passes at any time.
    """

    flops: int
    weights: int
    gradients: int
    moments: int
    activations: int


def step_cost(task: AdversarialTraining, optimizer: InnerOptimizer) -> StepCost:
    """Predict the cost of a step; task and optimizer stay as they are, and may be on the meta device.

    Args:
        task: a game whose first batch is as large as all others. An optimizer of theta's that was handed over made
            already has moments that are not counted.
        optimizer: its inner optimizer.

    Returns:
        Work and memory, to the byte but for what kernels use while they run.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the task has no batch.
    """
    require_a("task", task, AdversarialTraining, "an AdversarialTraining", "pass the game")
    require_a("optimizer", optimizer, InnerOptimizer, "an inner optimizer", "pass one such as PGM(steps=10)")
    return _predicted(task, optimizer, "both")


def _predicted(task: AdversarialTraining, optimizer: InnerOptimizer, moving: Moving) -> StepCost:
    with torch.random.fork_rng():
        batch = next(iter(task.batches()), None)
    if batch is None:
        raise ValueError("the task has no batch, so no step; give it epochs=1 or more.")
    task, optimizer = copy.deepcopy((task, optimizer), {id(task.data): task.data})
    step = Step(task, optimizer)
    with FakeTensorMode(allow_non_fake_inputs=True):
        step.to_empty(device="cpu")
        train(step)
        kept = KeptActivations(step)
        with kept, FlopCounterMode(display=False) as counter:
            outcome = step(tree_map_only(Tensor, partial(torch.empty_like, device="cpu"), batch), moving)
            if outcome.loss is not None:
                outcome.loss.backward()
        players = [task.outer_optimizer(), *([optimizer.meta_optimizer()] if optimizer.learns else [])]
        for player in players:
            player.step()
    return StepCost(
        flops=int(counter.get_total_flops()),
        weights=_bytes([*step.parameters(), *step.buffers()]),
        gradients=_bytes(weight.grad for weight in step.parameters()),
        moments=_bytes(tree_leaves([dict(player.state) for player in players])),
        activations=kept.most,
    )


def training_flops(task: AdversarialTraining, optimizer: InnerOptimizer) -> int:
    """FLOPs of a whole run: those of its first step, as `StepCost` counts them, times the run's steps.

    Where phi learns on a part of them, the others are counted as what they are.

    Args:
        task: a game that may be spoiled: if a network cannot do without values, one step of it is played.
        optimizer: its inner optimizer.
    """
    if not task.iterations:
        return 0
    learning = -(-task.iterations // getattr(optimizer, "learns_every", 1))
    shares: list[tuple[Moving, int]] = [("both", learning), ("theta", task.iterations - learning)]
    shares = [(moving, steps) for moving, steps in shares if steps]
    try:
        return sum(_predicted(task, optimizer, moving).flops * steps for moving, steps in shares)
    except Exception:  # a stranger's network may raise anything
        iteration, batch, flops = Iteration(task, optimizer, Runtime("cpu")), next(iter(task.batches())), 0
        for _, steps in shares:
            with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
                iteration(batch)
            flops += int(counter.get_total_flops()) * steps
        return flops


def _bytes(tensors: Iterable[object]) -> int:
    """Of all that are tensors."""
    return sum(tensor.nbytes for tensor in tensors if isinstance(tensor, Tensor))
