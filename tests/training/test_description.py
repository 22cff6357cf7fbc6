"""What a run's folder keeps of what it was made of."""

import json

import numpy as np
import pytest
import torch

from minimax_l2l import GradientAscent
from minimax_l2l.training.description import describe, require_same


class Thing:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("given", "kept"), [(np.float32(0.5), 0.5), (np.int64(3), 3), (np.True_, True), (0.5, 0.5)]
)
def test_numbers_of_numpy_are_kept_as_numbers(given, kept):
    described = describe(Thing(given))
    assert described == {"class": "Thing", "value": kept}
    assert json.loads(json.dumps(described)) == described


def test_settings_of_numpy_make_the_same_config_as_python_s():
    assert describe(GradientAscent(steps=np.int64(3), step_size=np.float64(0.5))) == describe(
        GradientAscent(steps=3, step_size=0.5)
    )


@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_arrays_are_told_by_their_numbers(kind):
    one, other = (describe(Thing(kind(values))) for values in ([1.0, 2.0], [1.0, 3.0]))
    assert one != other
    assert one == describe(Thing(kind([1.0, 2.0])))


def test_other_data_are_said_to_be_other_data_without_their_checksums(tmp_path):
    then, now = ({"game": {"data": {"sha256": mark * 64}}} for mark in "ab")
    with pytest.raises(
        ValueError, match=r"other values in data\.sha256: the data differ by their checksums"
    ) as error:
        require_same(tmp_path, now, then)
    assert "aaaa" not in str(error.value)


def test_other_settings_are_said(tmp_path):
    with pytest.raises(ValueError, match=r"was run with steps=1, not 2; resume it .* choose another out=\."):
        require_same(tmp_path, {"steps": 2}, {"steps": 1})
