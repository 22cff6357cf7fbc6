"""What a step asks of the device: counted operations, on a network of seventeen convolutions with BatchNorm.

A bare loop of PGM-1 that does the same work dispatches 663, one of PGM-10 2,418.
"""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from minimax_l2l import PGM, L2Ball, LinfBall, Runtime
from minimax_l2l.training.iteration import Iteration
from tasks.adversarial import AdversarialTraining


class Count(TorchDispatchMode):
    dispatched = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.dispatched += 1
        return function(*args, **(kwargs or {}))


def network():
    layers = []
    for channels in (3, *[8] * 16):
        layers += [nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


@pytest.mark.parametrize("query_mode", ["eval", "train"])
@pytest.mark.parametrize(
    ("threat", "steps", "most"), [(LinfBall(0.03), 1, 660), (LinfBall(0.03), 10, 2400), (L2Ball(0.5), 10, 3000)]
)
def test_a_step_costs_no_more_operations_than_this(threat, steps, most, query_mode):
    data = torch.rand(64, 3, 8, 8), torch.arange(64) % 10
    task = AdversarialTraining(network(), data, threat, batch_size=16, query_mode=query_mode)
    iteration = Iteration(task, PGM(steps=steps, step_size=0.01), Runtime("cpu"))
    first, second = task.batches()[:2]
    iteration(first)
    with Count() as count:
        iteration(second)
    print(type(threat).__name__, steps, query_mode, count.dispatched)
    assert 200 < count.dispatched <= most
