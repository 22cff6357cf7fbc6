"""Importing the library stays light, all its names included: torch and huggingface_hub alone."""

import subprocess
import sys

import pytest

HEAVY = (
    "distributed",
    "gymnasium",
    "jinja2",
    "joblib",
    "lightning_fabric",
    "matplotlib",
    "pyautoattack",
    "rich",
    "sklearn",
    "stable_baselines3",
    "tasks",
    "tensorboard",
    "torchvision",
    "tyro",
)


STAGES = ("minimax_l2l", "minimax_l2l.testing", "tasks.games", "tasks.adversarial")


@pytest.fixture(scope="module")
def loaded():
    """By door, all modules that are there once every name of it, and of the doors before it, is imported."""
    code = "import sys\n" + "".join(f"from {door} import *\nprint(*sys.modules)\n" for door in STAGES)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {door: line.split() for door, line in zip(STAGES, said.splitlines(), strict=True)}


@pytest.mark.parametrize("door", ["minimax_l2l", "minimax_l2l.testing"])
def test_the_door_imports_nothing_heavy(door, loaded):
    packages = {name.split(".")[0] for name in loaded[door]}
    assert "torch" in packages
    assert not set(HEAVY) & packages


def test_games_need_no_images(loaded):
    assert [name for name in loaded["tasks.games"] if "adversarial" in name] == []


def test_images_need_no_torchvision_until_it_reads_some(loaded):
    assert "tasks.adversarial" in loaded["tasks.adversarial"]
    assert [name for name in loaded["tasks.adversarial"] if "torchvision" in name] == []
