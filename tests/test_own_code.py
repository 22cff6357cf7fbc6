"""Code of one's own is known again wherever it stands, and told from other code of the same name."""

import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from minimax_l2l import CNNUpdater, LearnedOptimizer, MLPUpdater, Updater
from minimax_l2l.own_code import differing, tell, tell_parts, warn_if_parts_changed

MODULE = """
'''Words.'''
import math
import torch
import torch.nn.functional as F
import {name}_helpers as helpers
from {name}_helpers import halved
from torch.nn.functional import relu

WEIGHTS, CLASSES, STATE = {{"a": [1, 2.5]}}, torch.tensor({tensor}), object()


class Base:
    scale = {scale}

    def forward(self, x):
        '''Words.'''
        return self._own(x) * math.pi * F.relu(x) * relu(x)

    def _own(self, x):
        return {own}


class Mine(Base):
    limit = float("inf")

    def __init__(self):
        self.part = Part()

    @staticmethod
    def fixed(x):
        return halved(x) + CLASSES

    @property
    def length(self):
        return len(WEIGHTS) + helpers.LENGTH + helpers.{called}(1) + id(STATE)


class Part:
    def forward(self, x, {default}):
        return [one {operator} 1 for one in x] and Mine
"""
HELPERS = """
LENGTH = {length}

def halved(x):
    return x / {half}

def doubled(x):
    return 2 * x
"""
USUAL = {
    "tensor": "[1.0]",
    "scale": 1,
    "own": "x",
    "called": "doubled",
    "default": "by=1",
    "operator": "+",
    "length": 3,
    "half": 2,
}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A module of one's own, and another beside it, written anew under another name each time."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(name, **changes):
        words = {**USUAL, **changes, "name": name}
        (tmp_path / f"{name}_helpers.py").write_text(HELPERS.format(**words))
        (tmp_path / f"{name}.py").write_text(MODULE.format(**words))
        return __import__(name).Mine

    yield made
    for name in [name for name in sys.modules if name.startswith("own_module_")]:
        del sys.modules[name]


def test_it_is_the_same_in_another_module(make):
    one, other = tell(make("own_module_a")), tell(make("own_module_b"))
    assert one == other
    assert differing(one, other) is None
    assert one["values"] == {
        "Base.scale": 1,
        "Mine.limit": "inf",
        "Mine.__init__.Part.forward.by": 1,
        "Mine.fixed.CLASSES": one["values"]["Mine.fixed.CLASSES"],
        "Mine.length.WEIGHTS": [["a", [1, 2.5]]],
        "Mine.length.helpers.LENGTH": 3,
    }
    assert set(one["code"]) == {
        "Base.forward",
        "Base._own",
        "Mine.__init__",
        "Mine.__init__.Part.forward",
        "Mine.fixed",
        "Mine.fixed.halved",
        "Mine.length",
        "Mine.length.helpers.doubled",
    }


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"tensor": "[2.0]"}, "other values (Mine.fixed.CLASSES)"),
        ({"scale": 2}, "other values (Base.scale)"),
        ({"own": "x + x"}, "other code (Base._own)"),
        ({"called": "halved"}, "other code (Mine.length, Mine.length.helpers.doubled)"),
        ({"default": "by=2"}, "other values (Mine.__init__.Part.forward.by)"),
        ({"default": "*, by=2"}, "other values (Mine.__init__.Part.forward.by)"),
        ({"operator": "-"}, "other code (Mine.__init__.Part.forward)"),
        ({"length": 4}, "other values (Mine.length.helpers.LENGTH)"),
        ({"half": 3}, "other code (Mine.fixed.halved)"),
    ],
)
def test_other_code_of_the_same_name_is_told_apart(change, what, make):
    assert differing(tell(make("own_module_a")), tell(make("own_module_b", **change))) == what


def test_of_another_python_the_values_are_compared(make):
    then = {**tell(make("own_module_a", own="x + x")), "python": "3.0"}
    assert differing(then, tell(make("own_module_b"))) is None
    assert differing(then, tell(make("own_module_c", scale=3))) == "other values (Base.scale)"


def test_what_is_captured():
    def outer(factor, inner):
        def mine(x):
            return inner(x) if x else later(x)

        def doubled(x):
            return factor * x

        mine.doubled = doubled
        if factor:
            later = doubled
        return mine

    one = tell(outer(np.float64(2.0), outer(3.0, len)))
    assert one["values"] == {"mine.inner.later.factor": 3.0, "mine.later.factor": 2.0}
    assert differing(one, tell(outer(2.0, outer(4.0, len)))) == "other values (mine.inner.later.factor)"
    assert tell(outer(0, len))["values"] == {}  # a variable without a value


@pytest.mark.parametrize("kind", [CNNUpdater, MLPUpdater, LearnedOptimizer, Updater, nn.Linear])
def test_the_library_and_torch_are_not_told(kind):
    assert (tell(kind)["code"], tell(kind)["values"]) == ({}, {})


def test_a_tensor_without_numbers_is_no_value():
    part, also = torch.zeros(2, device="meta"), (1, object())

    def mine(x):
        return x, part, also

    assert tell(mine)["values"] == {}


def test_of_a_long_value_the_checksum_is_kept():
    numbers = list(range(1000))

    def mine(x):
        return x, numbers

    one = tell(mine)
    assert len(one["values"]["mine.numbers"]) == 64
    numbers[500] = 0
    assert differing(one, tell(mine)) == "other values (mine.numbers)"


def test_names_that_meet_are_kept_apart():
    class Mine:
        @property
        def factor(self):
            return 1

        @factor.setter
        def factor(self, value):
            self.other = value

    derived = type("Mine", (Mine,), {"factor": property(lambda self: 1)})
    assert [set(tell(kind)["code"]) for kind in (Mine, derived)] == [
        {"Mine.factor", "Mine.factor'"},
        {"Mine.factor", "Mine.factor'", "Mine.factor''"},
    ]


def network(forward, method):
    """A part of one's own within a network of one's own, made of torch's layers too."""
    part = type("Part", (nn.Module,), {"__module__": __name__, "forward": forward})
    whole = type("Whole", (nn.Sequential,), {"__module__": __name__, "other": method})
    return whole(nn.Linear(2, 2), part())


def test_of_a_network_its_own_classes_are_told_and_no_installed_ones():
    told = tell_parts(network(lambda self, x: 2 * x, lambda self: 1))
    assert {name: set(own["code"]) for name, own in told.items()} == {
        "Part": {"Part.forward"},
        "Whole": {"Whole.other"},
    }
    assert tell_parts(nn.Sequential(nn.Linear(2, 2), CNNUpdater.light(channels=1))) == {}
    installed = type("Installed", (nn.Module,), {"__module__": "pytest", "forward": lambda self, x: x})
    assert tell(installed)["code"]
    assert tell_parts(installed()) == {}


def test_a_network_of_other_code_is_warned_of_by_its_classes(tmp_path):
    then = tell_parts(network(lambda self, x: 2 * x, lambda self: 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_parts_changed(tmp_path, then, network(lambda self, x: 2 * x, lambda self: 1))
        warn_if_parts_changed(tmp_path, {}, network(lambda self, x: 3 * x, lambda self: 1))  # of an earlier version
    said = (
        r"did something else: now Whole has other code \(Whole\.other\), Part has other code \(Part\.forward\); b"
    )
    with pytest.warns(UserWarning, match=said):
        warn_if_parts_changed(tmp_path, then, network(lambda self, x: 3 * x, lambda self: 2))
