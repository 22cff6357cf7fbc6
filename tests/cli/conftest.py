"""What the tests of the commands share: a folder of their own, a run that was solved before."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from own_images import archive
from short import measured_briefly

from minimax_l2l import cli
from tasks.adversarial.experiments.trained import Trained, attack
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.runs import evaluate_run

PRESET = "adversarial/digits-grad-l2l"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A working directory of its own, a terminal of 80 columns, and light evaluations."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    measured_briefly(monkeypatch)

    def light(*given, tier, images, **more):
        return evaluate_run(*given, tier="quick", images=12 if images is None else images, curves=False, **more)

    monkeypatch.setattr("tasks.adversarial.presets.runs.evaluate_run", light)


def play_and_measure(home: Path, name: str, seed: int = 0) -> None:
    """A run on home's images, two steps long, as `name`, and the same one evaluated, as `name`-measured."""
    words = ["--eps", "0.15", "--data", str(home / "mine.npz"), "--epochs", "2", "--seed", str(seed)]
    assert cli.main(["solve", PRESET, "--out", str(home / name), "--device", "cpu", *words]) == 0
    measured = shutil.copytree(home / name, home / f"{name}-measured")
    preset = replace(DIGITS[PRESET], data=home / "mine.npz", eps=0.15, epochs=2, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        measured_briefly(patch)
        attack(Trained(PRESET, preset, measured), tier="quick", images=12)


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    """A run and the same one evaluated; made once and copied."""
    home = tmp_path_factory.mktemp("originals")
    archive(home / "mine.npz")
    play_and_measure(home, "mine")
    return home


@pytest.fixture(scope="session")
def other(originals):
    """Another run on the same images, evaluated."""
    play_and_measure(originals, "other", seed=1)
    return originals / "other-measured"


@pytest.fixture
def solved(originals):
    shutil.copy(originals / "mine.npz", "mine.npz")
    return shutil.copytree(originals / "mine", Path("mine"))


@pytest.fixture
def measured(originals):
    shutil.copy(originals / "mine.npz", "mine.npz")
    return shutil.copytree(originals / "mine-measured", Path("mine"))
