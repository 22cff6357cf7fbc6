"""What a run's folder keeps of what it was made of."""

import json

import numpy as np
import pytest
import torch

from minimax_l2l import GradientAscent
from minimax_l2l.training.comparison import require_same
from minimax_l2l.training.description import describe


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


class Passing(Thing):
    def __init__(self, *args, more=1.0, **keywords):
        super().__init__(*args, **keywords)
        self.more = more


class Hiding(Thing):
    def __init__(self, learning_rate=0.1):
        super().__init__(2 * learning_rate)


class OfTheClass(Thing):
    beta = 6.0
    widths = (8, 4)

    def __init__(self):
        super().__init__(0)


class OfTheObject:
    def __init__(self):
        self.rate, self.name, self.sizes, self.clip = 0.1, "a", [1, 2], None


def changed(thing, **attributes):
    for name, value in attributes.items():
        setattr(thing, name, value)
    return thing


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        (Passing(1), Passing(2), "value=1, not 2"),
        (Passing(value=1), Passing(value=2), "value=1, not 2"),
        (Passing(1), Passing(1, more=2.0), "more=1.0, not 2.0"),
        (Passing(Thing(1)), Passing(Thing(2)), r"value\.value=1, not 2"),
        (Hiding(), Hiding(0.2), "value=0.2, not 0.4"),
        (OfTheClass(), changed(OfTheClass(), beta=1.0), "beta=6.0, not 1.0"),
        (OfTheClass(), changed(OfTheClass(), widths=(8, 8)), r"widths=\[8, 4\], not \[8, 8\]"),
        (OfTheObject(), changed(OfTheObject(), rate=0.2), "rate=0.1, not 0.2"),
        (OfTheObject(), changed(OfTheObject(), name="b"), "name='a', not 'b'"),
        (OfTheObject(), changed(OfTheObject(), sizes=[1]), r"sizes=\[1, 2\], not \[1\]"),
        (OfTheObject(), changed(OfTheObject(), clip=float("inf")), "clip=None, not 'inf'"),
    ],
)
def test_settings_count_wherever_a_subclass_keeps_them(one, other, named, tmp_path):
    require_same(tmp_path, describe(one), describe(one))
    with pytest.raises(ValueError, match=f"was run with {named}"):
        require_same(tmp_path, describe(other), describe(one))


def sgd(**settings):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], **{"lr": 0.1, **settings})


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"lr": 0.01}, "lr=0.1, not 0.01"),
        ({"momentum": 0.5}, "momentum=0.9, not 0.5"),
        ({"weight_decay": 0.1}, "weight_decay=0, not 0.1"),
        ({"nesterov": True}, "nesterov=False, not True"),
    ],
)
def test_an_optimizer_that_is_handed_over_is_told_by_its_settings(changed, named, tmp_path):
    before = {"momentum": 0.9}
    require_same(tmp_path, describe(Thing(sgd(**before))), describe(Thing(sgd(**before))))
    with pytest.raises(ValueError, match=rf"was run with value\.groups\[0\]\.{named}"):
        require_same(tmp_path, describe(Thing(sgd(**(before | changed)))), describe(Thing(sgd(**before))))


def test_what_changes_while_a_run_goes_on_is_no_setting(tmp_path):
    """A module's mode, private attributes, and objects."""
    one, other = torch.nn.Dropout(0.5), torch.nn.Dropout(0.5).eval()
    other._seen, other.seen = 3, object()
    require_same(tmp_path, describe(other), describe(one))


def test_settings_that_are_no_numbers_equal_themselves(tmp_path):
    described = json.loads(json.dumps(describe(Thing(float("nan"))), allow_nan=False))
    require_same(tmp_path, describe(Thing(float("nan"))), described)


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


def test_data_with_a_checksum_may_be_called_otherwise(tmp_path):
    """A name without one, beside one of something else, or of which nothing was known then, is compared."""
    one, other = "a" * 64, "b" * 64
    require_same(tmp_path, {"data": "new", "data_sha256": one}, {"data": "old", "data_sha256": one})
    require_same(tmp_path, {"of": {"name": "new", "sha256": one}}, {"of": {"name": "old", "sha256": one}})
    for now, then in (
        ({"data": "new"}, {"data": "old"}),
        ({"data": "new", "name_sha256": one}, {"data": "old", "name_sha256": one}),
        ({"data": "new", "data_sha256": one}, {"data": "old"}),
    ):
        with pytest.raises(ValueError, match="was run with data='old', not 'new'"):
            require_same(tmp_path, now, then)
    with pytest.raises(ValueError, match="other values in data_sha256: the data differ"):
        require_same(tmp_path, {"data": "new", "data_sha256": one}, {"data": "old", "data_sha256": other})


def test_other_settings_are_said(tmp_path):
    with pytest.raises(ValueError, match=r"was run with steps=1, not 2; resume it .* choose another out=\."):
        require_same(tmp_path, {"steps": 2}, {"steps": 1})
