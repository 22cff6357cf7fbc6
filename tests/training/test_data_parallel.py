"""Two processes with half a batch each play the game of one with the whole batch; one that fails ends them all.

Real processes, started by torchrun, with gloo on the CPU; `shared_game.py` is what they run.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from own_images import archive
from safetensors.torch import load_file
from torch import nn

from minimax_l2l import GradientAscent, LearnedOptimizer, MLPUpdater
from minimax_l2l.training.batch_norm import SynchronisedBatchNorm, synchronised
from minimax_l2l.training.runtime import Runtime
from tasks.games import LimitCycle

SCRIPT = Path(__file__).with_name("shared_game.py")
ROOT = SCRIPT.parents[2]
RUNS = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
pytestmark = [
    pytest.mark.skipif(
        not torch.distributed.is_available() or sys.platform != "linux", reason="needs gloo and torchrun"
    ),
    pytest.mark.filterwarnings("ignore:y lives on from step to step"),
]


def start(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *RUNS, str(SCRIPT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)


def difference(one, other):
    """The largest difference of a weight, relative to the largest in its tensor."""
    worst = 0.0
    for part in ("model", "optimizer"):
        files = [folder / part / "model.safetensors" for folder in (one, other)]
        assert files[0].exists() == files[1].exists()
        if files[0].exists():
            first, second = ({name: value.double() for name, value in load_file(file).items()} for file in files)
            for name, value in first.items():
                size = value.abs().max().clamp_min(1e-12)
                worst = max(worst, ((value - second[name]).abs().max() / size).item())
    return worst


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


PLAYED = (
    *("pgm-2", "grad", "trades", "perturbed", "remembered"),
    *(f"{game}+norm" for game in ("plain", "two-step", "trades", "perturbed", "cropped")),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Where two processes ran a command, played all games, began one and failed at two, last as one is killed."""
    folder = tmp_path_factory.mktemp("games") / "two"
    folder.mkdir()
    words = ["--data", str(archive(folder / "mine.npz")), "--eps", "0.1", "--batch-size", "16", "--epochs", "1"]
    words = ["solve", "adversarial/digits-fgsm-rs", *words, "--device", "cpu", "--out", str(folder / "command")]
    (folder / "command.json").write_text(json.dumps(words))
    done = start(folder, "command", *PLAYED, "remembered+begun", "grad+nan", "grad+killed")
    ended = time.time()
    assert set(re.findall(r"rank \d in (\S+):", done.stderr)) == {"grad+nan", "grad+killed"}, done.stderr
    assert done.returncode == 1
    return folder, done, ended


@pytest.fixture(scope="module")
def played(shared):
    """Folders of all games, played by two processes and by this one, which also ends the run that two began."""
    two, one = shared[0], shared[0].with_name("one")
    play = runpy.run_path(str(SCRIPT))["play"]
    shutil.copytree(two / "remembered+begun", one / "remembered+ended")
    for game in (*PLAYED, "remembered+ended"):
        play(one, game)
    return two.parent


@pytest.mark.parametrize("game", PLAYED)
def test_two_processes_play_the_game_of_one(game, played):
    one, two = (played / name / game for name in ("one", "two"))
    assert difference(one, two) < 1e-4
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    for alone, shared in zip(rows(one), rows(two), strict=True):
        assert alone.keys() == shared.keys()
        assert shared["objective"] == pytest.approx(alone["objective"], rel=1e-3)
    passes = [json.loads((folder / "solution.json").read_text())["passes"] for folder in (one, two)]
    assert passes[0] == passes[1]


def test_a_run_goes_on_with_another_number_of_processes(played):
    assert [row["step"] for row in rows(played / "two" / "remembered+begun")][-1] == 6
    straight, run = (played / "one" / name for name in ("remembered", "remembered+ended"))
    assert difference(straight, run) < 1e-4
    assert [row["step"] for row in rows(run)] == [row["step"] for row in rows(straight)]


def test_a_nan_on_one_process_ends_both_with_a_sentence(shared):
    for process in (0, 1):
        assert f"rank {process} in grad+nan: the objective or its gradient became NaN" in shared[1].stderr


def test_a_process_that_is_killed_ends_the_other_within_a_minute(shared):
    folder, done, ended = shared
    assert ended - (folder / "grad+killed" / "config.json").stat().st_mtime < 60
    assert "rank 1 in grad+killed: process 1 of 2 has lost another one" in done.stderr


def test_the_command_is_the_same_under_torchrun(shared):
    folder, done, _ = shared
    assert done.stdout.count("The run went through all its batches. 3 steps") == 1
    assert {"config.json", "metrics.jsonl", "model", "solution.json"} <= {
        path.name for path in (folder / "command").iterdir()
    }


def test_a_script_starts_its_other_processes_itself(tmp_path):
    two, script = tmp_path / "two", tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "from tasks.games import LimitCycle\n"
        "torch.manual_seed(0)\n"
        "optimizer = LimitCycle.learned_optimizer(steps=16)\n"
        f"LimitCycle(iterations=4, games=6).solve(optimizer, device='cpu', devices=2, out={str(two)!r})\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, str(script)], env=environment, check=True, timeout=200)
    torch.manual_seed(0)
    optimizer = LimitCycle.learned_optimizer(steps=16)
    LimitCycle(iterations=4, games=6).solve(optimizer, device="cpu", out=tmp_path / "one")
    assert difference(tmp_path / "one", two) < 1e-4


class Shared(Runtime):
    """One of several processes, as far as sharing goes."""

    def __init__(self, rank, world):
        super().__init__("cpu")
        self.rank, self.world = rank, world


def test_shares_are_disjoint_and_weigh_what_they_hold():
    batch = {"x": torch.arange(7), "mean": torch.zeros(3), "step": 4}
    parts = [Shared(rank, 3).share(batch) for rank in range(3)]
    assert torch.cat([part["x"] for part, _ in parts]).tolist() == list(range(7))
    assert [weight for _, weight in parts] == pytest.approx([6 / 7, 6 / 7, 9 / 7])
    assert all(len(part["mean"]) == 3 and part["step"] == 4 for part, _ in parts)


def test_a_batch_that_is_too_small_to_share():
    with pytest.raises(ValueError, match="a batch of 2 cannot be shared by 3 processes"):
        Shared(0, 3).share(torch.zeros(2))


def test_devices_that_make_no_sense():
    for devices in (0, -1):
        with pytest.raises(ValueError, match="devices must be at least 1"):
            LimitCycle(iterations=1).solve(GradientAscent(steps=1), device="cpu", devices=devices)
    with pytest.raises(TypeError, match="devices must be an integer"):
        LimitCycle(iterations=1).solve(LearnedOptimizer(MLPUpdater()), device="cpu", devices="two")


def test_batch_norm_is_synchronised_and_comes_back(tmp_path):
    """One process alone: the synchronised layer is BatchNorm, statistics, gradients and second derivatives too."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        torch.manual_seed(0)
        layers = {1: nn.BatchNorm1d(3), 2: nn.BatchNorm2d(3, momentum=None), 3: nn.BatchNorm3d(3, affine=False)}
        for spatial, layer in layers.items():
            x = torch.randn(5, 3, *[4] * spatial, requires_grad=True)
            ends = []
            for shared in (False, True):
                layer.reset_running_stats()
                net = nn.Sequential(layer).train()
                context = synchronised(net) if shared else torch.enable_grad()
                with context:
                    assert isinstance(layer, SynchronisedBatchNorm) == shared
                    (slope,) = torch.autograd.grad(layer(x).pow(3).sum(), x, create_graph=True)
                    (second,) = torch.autograd.grad(slope.square().sum(), x)
                ends.append([slope.detach(), second, *[part.clone() for part in layer.buffers()]])
            for one, other in zip(*ends, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
            assert not hasattr(layer, "process_group")
    finally:
        torch.distributed.destroy_process_group()
