"""A task that ends in one number."""

from __future__ import annotations

import torch

from minimax_l2l import InnerOptimizer, Task

Numbers = torch.Generator
FRESH = 10**6  # seeds what a trained theta is judged on


class OwnProblem(Task):
    """A task with a number at the end, in which lower is better.

    Attributes:
        inner_steps: K.
        lives_on: whether y goes on from batch to batch.
        radius: the size of y's set, by which a step size of PGM goes; None where y is free.
    """

    inner_steps = 1
    lives_on = False
    radius: float | None = None
    rate = 1e-3  # of theta's Adam

    def __init__(self, seed: int) -> None:
        self.seed = seed
        torch.manual_seed(seed)

    def numbers(self) -> Numbers:
        """Where a run's random numbers come from."""
        return torch.Generator().manual_seed(self.seed)

    def outer_optimizer(self) -> torch.optim.Optimizer | None:
        """Adam."""
        return torch.optim.Adam(self.outer.parameters(), lr=self.rate) if self.outer is not None else None

    def judged(self, optimizer: InnerOptimizer) -> float:
        """The number, lower is better."""
        raise NotImplementedError
