"""Multi-layer perceptrons: the same for every coordinate, or dense with the paper's number of weights."""

import pytest
import torch
from torch import nn

from minimax_l2l import DenseMLPUpdater, MLPUpdater
from minimax_l2l.testing.probes import stirred


@pytest.mark.parametrize("event", [(), (5,), (2, 3), (1, 4, 4)])
def test_an_update_is_shaped_as_the_inner_variable(event):
    update, state = MLPUpdater()(torch.randn(3, 2, *event), ())
    assert update.shape == (3, *event)
    assert state == ()


def test_every_coordinate_is_treated_alike():
    updater, features = stirred(MLPUpdater()), torch.randn(3, 2, 5)
    order = torch.tensor([4, 2, 0, 1, 3])
    torch.testing.assert_close(updater(features[..., order], ())[0], updater(features, ())[0][:, order])


def test_the_size_does_not_depend_on_the_number_of_coordinates():
    """2 x 16 + 16, 16 x 16 + 16 and 16 + 1 weights, and one slope for each of two PReLUs."""
    assert sum(parameter.numel() for parameter in MLPUpdater().parameters()) == 48 + 272 + 17 + 2


@pytest.mark.parametrize("size", [1, 3, 10])
def test_a_dense_one_has_52_m_squared_weights(size):
    """2m x 8m + 8m x 4m + 4m x m = 52 m^2 weights, 8m + 4m + m = 13 m biases, two slopes."""
    updater = MLPUpdater.dense(size)
    layers = [part for part in updater.modules() if isinstance(part, nn.Linear)]
    assert sum(layer.weight.numel() for layer in layers) == 52 * size**2
    assert sum(parameter.numel() for parameter in updater.parameters()) == 52 * size**2 + 13 * size + 2


def test_a_dense_one_lets_coordinates_see_each_other_and_keeps_instances_apart():
    updater, features = stirred(DenseMLPUpdater(6)), torch.randn(2, 2, 2, 3)
    before = updater(features, ())[0]
    features[0, 0, 0, 0] += 1
    moved = updater(features, ())[0] != before
    assert before.shape == (2, 2, 3)
    assert moved[0].all()
    assert not moved[1].any()


@pytest.mark.parametrize("updater", [MLPUpdater(), DenseMLPUpdater(4)])
def test_before_training_updates_are_zero(updater):
    assert not updater(torch.randn(3, 2, 4), ())[0].any()


@pytest.mark.parametrize("updater", [MLPUpdater(), DenseMLPUpdater(4)])
@pytest.mark.parametrize(("shape", "got"), [((2, 3, 4), r"\(2, 3, 4\); pass inputs=3"), ((2,), r"\(2,\)")])
def test_features_of_another_width_are_refused(updater, shape, got):
    with pytest.raises(ValueError, match=rf"built for inputs=2 features a coordinate.*{got}"):
        updater(torch.zeros(shape), ())


def test_a_dense_one_refuses_another_number_of_coordinates():
    with pytest.raises(
        ValueError, match=r"built for size=4 coordinates, got 5; build it for 5, or use MLPUpdater\(\)"
    ):
        DenseMLPUpdater(4)(torch.zeros(2, 2, 5), ())
