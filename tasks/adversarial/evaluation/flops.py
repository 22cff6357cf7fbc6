"""Floating-point operations of a training: one step counted, times the number of steps."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from minimax_l2l import InnerOptimizer, Runtime
from minimax_l2l.training.iteration import Iteration
from tasks.adversarial.task import AdversarialTraining


def training_flops(task: AdversarialTraining, optimizer: InnerOptimizer) -> int:
    """Convolutions and matrix products of a whole run, the attacker's included, both players' backward passes too.

    Args:
        task: a game that may be spoiled: one step of it is played.
        optimizer: its inner optimizer.

    Returns:
        FLOPs of one step times the run's steps; PyTorch's counter leaves element-wise operations out.
    """
    iteration = Iteration(task, optimizer, Runtime("cpu"))
    batch = next(iter(task.batches()), None)
    if batch is None:
        return 0
    with torch.random.fork_rng(), FlopCounterMode(display=False) as counter:
        iteration(batch)
    return int(counter.get_total_flops()) * (task.iterations or 0)
