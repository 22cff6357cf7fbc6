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


@pytest.mark.parametrize("door", ["minimax_l2l", "minimax_l2l.testing"])
def test_the_door_imports_nothing_heavy(door):
    code = f"import sys; from {door} import *; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    assert not set(HEAVY) & set(loaded)


def test_games_need_no_images_and_images_need_no_games():
    code = "import sys; from tasks.games import *; print([one for one in sys.modules if 'adversarial' in one])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_images_need_no_torchvision_until_it_reads_some():
    code = (
        "import sys; from tasks.adversarial import *; print([one for one in sys.modules if 'torchvision' in one])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
