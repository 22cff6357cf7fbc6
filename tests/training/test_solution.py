"""What a solve returns, as people read it."""

import torch
from torch import nn

from minimax_l2l import LearnedOptimizer, MLPUpdater, Solution, Status


def test_it_is_told_in_a_line_without_layers_and_rows():
    network = nn.Sequential(*[nn.Linear(2, 2) for _ in range(50)])
    rows = [{"step": step, "objective": 1.0} for step in range(100)]
    solution = Solution(network, LearnedOptimizer(MLPUpdater()), history=rows, seconds=1.23456, steps=100)
    assert str(solution) == (
        "Solution(status=COMPLETED, steps=100, seconds=1.23, theta=Sequential, phi=LearnedOptimizer, 100 rows of "
        "history, Passes(forward=0, input_gradient=0, weight_gradient=0))"
    )
    assert "theta=None" in repr(Solution(None, LearnedOptimizer(MLPUpdater()), status=Status.EMPTY))
    assert solution.theta is network
    assert torch.is_tensor(solution.theta[0].weight)
