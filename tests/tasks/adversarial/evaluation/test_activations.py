"""What autograd keeps: by hand, as a profiler of memory measures it, and gone once a graph is gone."""

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tasks.adversarial import ResNet18, SmallCNN, SmallResNet
from tasks.adversarial.evaluation.activations import KeptActivations


def test_by_hand():
    """A linear layer keeps its input, a ReLU its output, which the next layer keeps too; no weight is counted."""
    network, inputs = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), torch.rand(7, 3)
    kept = KeptActivations(network)
    with kept:
        outputs = network(inputs)
    assert kept.now == kept.most == 4 * (7 * 3 + 7 * 5)
    outputs.sum().backward()
    assert (kept.now, kept.most) == (0, 4 * (7 * 3 + 7 * 5))


def test_a_graph_that_is_dropped_keeps_nothing():
    network = nn.Linear(3, 5)
    kept = KeptActivations(network)
    with kept:
        first = network(torch.rand(7, 3))
        del first
        assert kept.now == 0
        second = network(torch.rand(6, 3))
    assert (kept.now, kept.most) == (4 * 6 * 3, 4 * 7 * 3)
    del second
    assert kept.now == 0


def test_gradients_are_the_same():
    network, inputs = SmallResNet(width=2), torch.rand(3, 1, 8, 8)
    plain = torch.autograd.grad(network(inputs).sum(), list(network.parameters()))
    with KeptActivations(network):
        outputs = network(inputs).sum()
    assert all(map(torch.equal, torch.autograd.grad(outputs, list(network.parameters())), plain))


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (SmallResNet(3, width=16), (16, 3, 32, 32)),
        (SmallCNN(dropout=0.0), (16, 1, 28, 28)),
        (ResNet18(), (2, 3, 16, 16)),
    ],
    ids=["SmallResNet", "SmallCNN", "ResNet18"],
)
def test_as_measured(network, shape):
    """What a forward pass allocates and does not free, with the images, which it keeps, and but for its result."""
    images = torch.rand(shape)
    kept = KeptActivations(network)
    with kept:
        network(images)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as measured:
        logits = network(images)
    allocated = sum(event.self_cpu_memory_usage for event in measured.key_averages())
    assert kept.most == pytest.approx(allocated + images.nbytes - logits.nbytes, rel=1e-3)
