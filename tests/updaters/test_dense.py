"""The paper's dense updater: its number of weights, its start, and who sees whom."""

import pytest
import torch
from torch import nn

from minimax_l2l import DenseMLPUpdater
from minimax_l2l.testing.probes import stirred


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_it_has_52_m_squared_weights(size, streaming):
    """2m x 8m + 8m x 4m + 4m x m = 52 m^2 weights, 8m + 4m + m = 13 m biases, two slopes."""
    updater = DenseMLPUpdater(size, streaming=streaming)
    layers = [part for part in updater.modules() if isinstance(part, nn.Linear)]
    assert sum(layer.weight.numel() for layer in layers) == 52 * size**2
    assert sum(parameter.numel() for parameter in updater.parameters()) == 52 * size**2 + 13 * size + 2


def test_for_the_papers_discriminator_it_has_341_million():
    with torch.device("meta"):
        updater = DenseMLPUpdater(2561)
    assert sum(parameter.numel() for parameter in updater.parameters()) == 341_086_787


def test_coordinates_see_each_other_and_instances_do_not():
    updater, features = stirred(DenseMLPUpdater(6)), torch.randn(2, 2, 2, 3)
    before = updater(features, ())[0]
    features[0, 0, 0, 0] += 1
    moved = updater(features, ())[0] != before
    assert before.shape == (2, 2, 3)
    assert moved[0].all()
    assert not moved[1].any()


def test_before_training_updates_are_zero_unless_torchs_own_start_is_asked_for():
    features = torch.randn(3, 2, 4)
    assert not DenseMLPUpdater(4)(features, ())[0].any()
    assert DenseMLPUpdater(4, zero_head=False)(features, ())[0].all()


def test_the_same_weights_serve_with_and_without_streaming():
    plain, streaming = DenseMLPUpdater(5, zero_head=False), DenseMLPUpdater(5, streaming=True)
    streaming.load_state_dict(plain.state_dict())
    features = torch.randn(2, 2, 5)
    assert torch.equal(plain(features, ())[0], streaming(features, ())[0])


def test_another_number_of_coordinates_is_refused():
    with pytest.raises(
        ValueError, match=r"built for size=4 coordinates, got 5; build it for 5, or use MLPUpdater\(\)"
    ):
        DenseMLPUpdater(4)(torch.zeros(2, 2, 5), ())
