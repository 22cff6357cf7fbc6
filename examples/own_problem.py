"""A minimax problem of one's own: linear regression whose inputs may each be moved by up to 0.5.

Run it with `python examples/own_problem.py`. The worst move is known here, so what the learned optimizer finds can
be held against the truth: max over ||d|| <= eps of (w . (x + d) + b - t)^2 = (|w . x + b - t| + eps ||w||)^2.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from minimax_l2l import InnerProblem, L2Ball, LearnedOptimizer, MLPUpdater, Task
from minimax_l2l.testing import check_problem

EPS = 0.5


class MovedInputs(InnerProblem):
    """max over ||d|| <= eps of (w . (x + d) + b - t)^2."""

    constraint = L2Ball(EPS)

    def __init__(self, model: nn.Linear, x: Tensor, t: Tensor) -> None:
        self.module, self.x, self.t = model, x, t

    def initial(self) -> Tensor:
        """Not moved."""
        return torch.zeros_like(self.x)

    def objective(self, d: Tensor) -> Tensor:
        """The squared error of each moved input."""
        return (self.module(self.x + d).squeeze(1) - self.t).square()


class RobustRegression(Task):
    """min over w, b of the mean worst squared error, on fresh inputs in every batch."""

    def __init__(self, iterations: int) -> None:
        self.outer, self.iterations = nn.Linear(4, 1), iterations

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """64 inputs and their targets."""
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.iterations):
            x = torch.randn(64, 4, generator=generator)
            yield x, x.sum(1) + 0.1 * torch.randn(64, generator=generator)

    def inner_problem(self, batch: tuple[Tensor, Tensor]) -> MovedInputs:
        """The worst moves of a batch."""
        return MovedInputs(self.outer, *batch)


def main() -> None:
    """Check the problem, solve the task, compare with the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder to keep the run in (default: none)")
    parser.add_argument("--quick", action="store_true", help="150 batches instead of 4,000")
    options = parser.parse_args()

    torch.manual_seed(0)
    task = RobustRegression(iterations=150 if options.quick else 4000)
    problem = task.inner_problem(next(task.batches()))
    check_problem(lambda: task.inner_problem(next(task.batches())))
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2)
    task.solve(optimizer, out=options.out, device="cpu", progress="robust regression")
    with torch.no_grad():
        unmoved, found = (problem.objective(d).mean() for d in (problem.initial(), optimizer.maximize(problem).y))
        worst = (problem.objective(problem.initial()).sqrt() + EPS * task.outer.weight.norm()).square().mean()
    print(f"mean squared error, inputs not moved      {unmoved:.4f}")
    print(f"moved by the learned optimizer            {found:.4f}")
    print(f"moved in the worst way there is           {worst:.4f}")


if __name__ == "__main__":
    main()
