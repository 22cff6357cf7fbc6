"""Classifiers by name, those of this package and a user's own; each failure in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tasks.adversarial import (
    PreActResNet18,
    ResNet18,
    SmallCNN,
    SmallResNet,
    StridedCNN,
    WideResNet,
    classifier_named,
)
from tasks.adversarial.models.named import NAMES, require_name

OWN = """
from torch import nn

def make(channels, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64 * channels, classes))

class Network(nn.Module):
    def __init__(self, channels=1, classes=2):
        super().__init__()
        self.layer = make(channels, classes)

class Zoo:
    small = staticmethod(make)

number, network = 3, make(1, 2)

def makes_nothing(channels, classes):
    return None

def fails(channels, classes):
    raise RuntimeError("from inside")

def takes_others(inputs, outputs):
    return make(inputs, outputs)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's module in the working folder, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    name = f"own_{tmp_path.name}"
    Path(f"{name}.py").write_text(OWN)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("name", "kind", "width"),
    [
        ("small-resnet", SmallResNet, 32),
        ("small-resnet-16", SmallResNet, 64),
        ("small-cnn", SmallCNN, 200),
        ("strided-cnn", StridedCNN, 100),
        ("strided-cnn-8", StridedCNN, 100),
        ("resnet-18", ResNet18, 512),
        ("preact-resnet-18", PreActResNet18, 512),
        ("wrn-34-10", WideResNet, 640),
        ("wrn-10-1", WideResNet, 64),
    ],
)
def test_of_this_package(name, kind, width):
    with torch.device("meta"):
        network = classifier_named(name, (3, 20, 24), 7)
    assert type(network) is kind
    assert network(torch.empty(2, 3, 20, 24, device="meta")).shape == (2, 7)
    last = network.layers[-1] if kind in (SmallCNN, StridedCNN) else network.last
    assert last.in_features == width


def test_depth_of_a_wide_network():
    with torch.device("meta"):
        assert len(classifier_named("wrn-28-2", (3, 32, 32), 10).blocks) == 12


@pytest.mark.parametrize("factory", ["make", "Network", "Zoo.small"])
def test_your_own(own, factory):
    before = list(sys.path)
    network = classifier_named(f"{own}:{factory}", (3, 8, 8), 7)
    assert sorted(weight.numel() for weight in network.parameters()) == [7, 7 * 64 * 3]
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("{own}:no_such", ValueError, "cannot be imported, it said AttributeError: .*has no attribute 'no_such'"),
        ("no_such_module:make", ValueError, "cannot be imported, it said ModuleNotFoundError: No module named"),
        ("{own}:number", TypeError, "must name a function or a class, got int 3; a factory is called with chan"),
        ("{own}:network", ValueError, "made nothing, it said TypeError"),
        ("{own}:fails", ValueError, "made nothing, it said RuntimeError: from inside; a factory is called with"),
        ("{own}:takes_others", ValueError, "unexpected keyword argument 'channels'; a factory is called with chan"),
        ("{own}:makes_nothing", TypeError, "what .* makes must be a torch.nn.Module, got NoneType; a factory is"),
    ],
)
def test_factories_that_are_none(own, name, kind, sentence):
    before = list(sys.path)
    with pytest.raises(kind, match=sentence) as failure:
        classifier_named(name.format(own=own), (1, 8, 8), 2)
    assert name.format(own=own) in str(failure.value)
    assert sys.path == before


def test_an_installed_module_wins_over_one_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("colorsys.py").write_text("raise RuntimeError('the wrong one')")
    with pytest.raises(ValueError, match="made nothing, it said TypeError"):
        classifier_named("colorsys:rgb_to_hsv", (1, 8, 8), 2)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "resnet",
            "resnet-50",
            "wrn",
            "wrn-34",
            "wrn-34-",
            "wrn-34-10-1",
            "wrn-a-b",
            "wrn--34-10",
            "WRN-34-10",
        ),
        *("small-resnet-", "wrn-DEPTH-WIDEN", "module:", ":make", "a:b:c", "a b:c", "module.make", "../a:b", "1:a"),
    ],
)
def test_names_of_nothing(name):
    with pytest.raises(ValueError, match=r"there is no classifier .*choose one of small-resnet, .*name your own"):
        require_name(name)


@pytest.mark.parametrize("name", [None, 3, SmallResNet])
def test_what_is_no_name(name):
    with pytest.raises(TypeError, match="classifier must be a name, got"):
        require_name(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wrn-33-10", r"depth must be 6n \+ 4, got 33"),
        ("small-resnet-0", "width must be at least 1, got 0"),
        ("small-cnn", "height must be at least 16, got 8; pass height=16 or more"),
    ],
)
def test_known_names_that_make_no_sense(name, sentence):
    with pytest.raises(ValueError, match=sentence):
        classifier_named(name, (1, 8, 8), 10)


def test_names_are_checked_without_torch():
    code = (
        "import sys; from tasks.adversarial.models.named import NAMES, require_name; require_name('wrn-34-10'); "
        "require_name('a.b:c'); print('torch' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    )
    assert len(NAMES) == 8
