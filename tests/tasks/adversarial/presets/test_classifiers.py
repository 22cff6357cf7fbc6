"""Presets with another classifier, and with a user's own: solved, resumed, loaded, evaluated, reported."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from own_images import archive
from short import measured_briefly, undrawn

from minimax_l2l.lab import play
from tasks.adversarial import SmallResNet, WideResNet
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.runs import evaluate_run, load_run

PRESET = "adversarial/digits-grad-l2l"
OWN = """
from torch import nn

def make(channels, classes):
    convolution = nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
    return nn.Sequential(*convolution, nn.Flatten(), nn.Linear(144, classes))

def narrow(channels, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes - 1))

class Centred(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.body = make(channels, classes)

    def forward(self, images):
        return self.body(2 * images - 1)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a user's own module in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which would outlive a change within the same second
    archive()
    name = f"own_{tmp_path.name}"
    Path(f"{name}.py").write_text(OWN)
    yield name
    sys.modules.pop(name, None)


def preset(classifier, **changes):
    return replace(
        DIGITS[PRESET], data=Path("mine.npz"), eps=0.15, **{"epochs": 1, "classifier": classifier, **changes}
    )


def test_the_usual_one_is_small():
    built = DIGITS[PRESET].build()
    assert type(built.task.classifier) is SmallResNet
    torch.manual_seed(0)
    again = SmallResNet()
    assert all(map(torch.equal, built.task.classifier.state_dict().values(), again.state_dict().values()))


@pytest.mark.usefixtures("module")
def test_one_of_this_package_is_read_back():
    chosen = preset("wrn-10-1")
    play(PRESET, chosen, Path("run"), device="cpu")
    loaded = load_run(chosen, Path("run"))
    assert type(loaded.classifier) is WideResNet
    assert not loaded.classifier.training
    images, trained = loaded.data.test.pixels(), WideResNet.from_pretrained("run/model").eval()
    assert torch.equal(loaded.classifier(images), trained(images))
    untrained = chosen.build().task.classifier.eval()
    assert not torch.allclose(untrained(images), trained(images), atol=0.01)
    assert json.loads(Path("run/config.json").read_text())["settings"]["classifier"] == "wrn-10-1"


def test_your_own_from_the_command_line_to_its_page(module, run, monkeypatch):
    def light(*given, **options):
        return evaluate_run(*given, **{**options, "tier": "quick", "images": 8, "curves": False})

    monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", light)
    measured_briefly(monkeypatch)
    undrawn(monkeypatch)
    words = ("--data", "mine.npz", "--eps", "0.15", "--epochs", "1", "--device", "cpu", "--out", "run")
    assert run("solve", PRESET, "--classifier", f"{module}:make", *words)[0] == 0
    assert sorted(path.name for path in Path("run/model").iterdir()) == ["model.safetensors"]
    assert run("solve", PRESET, "--data", "mine.npz", "--device", "cpu", "--out", "run", "--resume")[0] == 0
    assert run("evaluate", "run", "--data", "mine.npz", "--device", "cpu")[0] == 0
    (row,) = json.loads(Path("run/evaluation.json").read_text())["rows"]
    assert row["classifier"] == f"{module}:make"
    assert row["flops"] > 0
    assert run("report", "run", "--data", "mine.npz", "--out", "page.html")[0] == 0


def test_a_module_that_has_changed_since_is_told(module):
    chosen = preset(f"{module}:make")
    play(PRESET, chosen, Path("run"), device="cpu")
    assert load_run(chosen, Path("run")).classifier[4].out_features == 4
    sys.modules.pop(module)
    Path(f"{module}.py").write_text(
        OWN.replace("Linear(144", "Linear(324").replace(" 4, 3)", " 9, 3)").replace("d(4)", "d(9) ")
    )
    with pytest.raises(ValueError, match=r"makes another network than the one of run: 0 is Conv2d\("):
        load_run(chosen, Path("run"))
    Path(f"{module}.py").unlink()
    sys.modules.pop(module)
    with pytest.raises(ValueError, match="cannot be imported, it said ModuleNotFoundError"):
        load_run(chosen, Path("run"))


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ("nn.ReLU()", "nn.Tanh()", r"2 is Tanh\(\), and was ReLU\(inplace=False\)"),
        ("nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, eps=0.1)", r"1 is BatchNorm2d\(.*eps=0\.1"),
        ("nn.Flatten(),", "nn.Flatten(), nn.Dropout(0.0),", r"4 is Dropout\(.*, and was Linear\("),
    ],
)
def test_a_network_that_takes_its_weights_and_is_another_is_told(module, before, after, part):
    chosen = preset(f"{module}:make")
    play(PRESET, chosen, Path("run"), device="cpu")
    sys.modules.pop(module)
    Path(f"{module}.py").write_text(OWN.replace(before, after))
    with pytest.raises(ValueError, match=rf"makes another network than the one of run: {part}"):
        load_run(chosen, Path("run"))


def test_a_network_whose_code_alone_has_changed_is_warned_of(module):
    chosen = preset(f"{module}:Centred")
    play(PRESET, chosen, Path("run"), device="cpu")
    then = load_run(chosen, Path("run"))
    sys.modules.pop(module)
    Path(f"{module}.py").write_text(OWN.replace("2 * images - 1", "3 * images - 1"))
    with pytest.warns(
        UserWarning, match=r"now Centred has other code \(Centred\.forward\); bring back the code of"
    ):
        now = load_run(chosen, Path("run"))
    images = then.data.test.pixels()
    assert not torch.allclose(then.classifier(images), now.classifier(images), atol=0.01)


def test_logits_of_another_number_are_told(module):
    with pytest.raises(ValueError, match=r"the data have 4 classes, the classifier turns an image into logits of"):
        preset(f"{module}:narrow").build()


@pytest.mark.usefixtures("module")
def test_a_resumed_run_keeps_its_classifier():
    play(PRESET, preset("small-resnet-2"), Path("run"), device="cpu")
    with pytest.raises(ValueError, match="was run with classifier='small-resnet-2', not 'small-resnet'"):
        play(PRESET, preset("small-resnet"), Path("run"), device="cpu", resume=True)
