"""The bottleneck: its number of weights grows with m, its updates lie in a small space."""

import pytest
import torch

from minimax_l2l import LowRankUpdater
from minimax_l2l.testing.probes import stirred


def test_its_weights_are_those_of_the_layers():
    """For m = 2,561 and r = 16: 2m r + r, then r 8r + 8r, 8r 4r + 4r, 4r m + m, and three slopes."""
    weights = (2 * 2561 * 16 + 16) + (16 * 128 + 128) + (128 * 64 + 64) + (64 * 2561 + 2561) + 3
    assert sum(parameter.numel() for parameter in LowRankUpdater(2561).parameters()) == weights == 258_868


def test_updates_lie_in_a_space_of_four_ranks():
    updater = stirred(LowRankUpdater(40, rank=1)).double()
    updates, _ = updater(torch.randn(100, 2, 40, dtype=torch.float64), ())
    assert torch.linalg.matrix_rank(updates - updater.head.bias) == 4


def test_an_update_is_shaped_as_the_inner_variable_and_zero_before_training():
    update, state = LowRankUpdater(6, rank=2)(torch.randn(3, 2, 2, 3), ())
    assert update.shape == (3, 2, 3)
    assert not update.any()
    assert state == ()


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="rank must be at least 1"):
        LowRankUpdater(4, rank=0)
    with pytest.raises(ValueError, match="LowRankUpdater was built for size=4 coordinates, got 5"):
        LowRankUpdater(4)(torch.zeros(2, 2, 5), ())
