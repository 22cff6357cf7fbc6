"""The multi-layer perceptron that is the same for every coordinate."""

import pytest
import torch

from minimax_l2l import DenseMLPUpdater, LowRankUpdater, MLPUpdater, RowUpdater
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


def test_before_training_updates_are_zero():
    assert not MLPUpdater()(torch.randn(3, 2, 4), ())[0].any()


@pytest.mark.parametrize("updater", [MLPUpdater(), DenseMLPUpdater(4), LowRankUpdater(4), RowUpdater(((1, 3),))])
@pytest.mark.parametrize(("shape", "got"), [((2, 3, 4), r"\(2, 3, 4\); pass inputs=3"), ((2,), r"\(2,\)")])
def test_features_of_another_width_are_refused(updater, shape, got):
    with pytest.raises(ValueError, match=rf"built for inputs=2 features a coordinate.*{got}"):
        updater(torch.zeros(shape), ())
