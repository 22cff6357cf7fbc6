"""Importing the library stays light: torch and huggingface_hub alone."""

import subprocess
import sys

import pytest

HEAVY = (
    "gymnasium",
    "jinja2",
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
    code = f"import sys, {door}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_games_need_no_images_and_images_need_no_games():
    code = "import sys, tasks.games; print([name for name in sys.modules if name.startswith('tasks.adversarial')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
