"""Pairs of one side: a pair that weighs w is as good as w of them."""

import pytest
import torch

from tasks.gail import Pairs

INPUTS = torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
WEIGHED = Pairs(INPUTS, torch.tensor([1.0, 0.0, 3.0]))


def test_a_mean_by_hand():
    values = torch.tensor([4.0, 100.0, 8.0])
    assert WEIGHED.mean(values).item() == (4 + 3 * 8) / 4
    assert Pairs(INPUTS).mean(values).item() == pytest.approx(112 / 3)


def test_each_is_drawn_as_often_as_it_counts():
    draws = (torch.arange(12) + 0.5) / 12
    assert WEIGHED.pick(draws)[:, 0].tolist() == [1.0] * 3 + [3.0] * 9
    assert Pairs(INPUTS).pick(draws)[:, 0].tolist() == [1.0] * 4 + [2.0] * 4 + [3.0] * 4


def test_the_largest_draw_there_is_picks_the_last_pair():
    largest = torch.tensor([1 - 2**-24])
    for side in (WEIGHED, Pairs(INPUTS), Pairs(INPUTS, torch.rand(3) + 0.1)):
        assert side.pick(largest)[0, 0] == 3


def test_weights_go_to_a_device_too():
    moved = WEIGHED.to(torch.device("meta"))
    assert (moved.inputs.device.type, moved.weights.device.type, len(moved)) == ("meta", "meta", 3)
    assert Pairs(INPUTS).to(torch.device("meta")).weights is None
