"""What a solve returns, as people read it."""

import torch
from torch import nn

from minimax_l2l import ExtraGradient, LearnedOptimizer, MLPUpdater, Solution, Status
from tasks.games import LimitCycle


class Counted(LimitCycle):
    """Each validation has a number."""

    count = 0

    def validate(self, optimizer):
        self.count += 1
        return {"count": self.count}


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


def test_the_last_validation_is_known_after_resuming_as_well(tmp_path):
    def solve(steps, task, **options):
        optimizer = ExtraGradient(steps=1, step_size=0.5)
        return task.solve(optimizer, steps=steps, device="cpu", out=tmp_path, log_every=1, **options)

    assert solve(5, Counted(iterations=8, games=2), validate_every=2).validation == {"count": 2}  # at steps 2 and 4
    assert solve(5, Counted(iterations=8, games=2), validate_every=2, resume=True).validation == {"count": 2}
    assert solve(None, Counted(iterations=8, games=2), validate_every=2, resume=True).validation == {"count": 2}
    assert Solution(None, LearnedOptimizer(MLPUpdater())).validation == {}
