"""The recurrent updater: one gated unit for all coordinates, whose state goes from step to step."""

import pytest
import torch

from minimax_l2l import RNNUpdater
from minimax_l2l.testing.probes import stirred


@pytest.mark.parametrize("event", [(), (5,), (2, 3), (1, 4, 4)])
def test_an_update_is_shaped_as_the_inner_variable(event):
    update, (hidden,) = RNNUpdater(hidden=4)(torch.randn(3, 2, *event), ())
    assert update.shape == (3, *event)
    assert hidden.shape == (update.numel(), 4)


def test_a_step_is_that_of_a_gated_unit_coordinate_by_coordinate():
    updater, features = stirred(RNNUpdater(hidden=3, gain=0.5)), torch.randn(2, 2, 4)
    hidden = torch.randn(8, 3)
    update, (after,) = updater(features, (hidden,))
    for i in range(2):
        for j in range(4):
            row = updater.cell(features[i, :, j][None], hidden[4 * i + j][None])
            torch.testing.assert_close(after[4 * i + j][None], row)
            expected = updater.head(row)[0, 0] + updater.skip * features[i, 1, j]
            torch.testing.assert_close(update[i, j], expected)


def test_every_coordinate_is_treated_alike():
    updater, features = stirred(RNNUpdater()), torch.randn(3, 2, 5)
    order = torch.tensor([4, 2, 0, 1, 3])
    torch.testing.assert_close(updater(features[..., order], ())[0], updater(features, ())[0][:, order])


@pytest.mark.parametrize("gain", [0.0, 0.3])
def test_before_training_a_step_is_gain_times_the_gradient(gain):
    features = torch.randn(3, 2, 5)
    assert torch.equal(RNNUpdater(gain=gain)(features, ())[0], torch.tensor(gain) * features[:, 1])


def test_a_gain_that_begins_by_descending_is_refused():
    with pytest.raises(ValueError, match="gain must be a finite number from 0 on, got -1"):
        RNNUpdater(gain=-1)


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"RNNUpdater was built for inputs=2.*\(2, 1, 4\); pass inputs=1"):
        RNNUpdater()(torch.zeros(2, 1, 4), ())
