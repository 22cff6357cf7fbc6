"""What an evaluation of many images takes, and that one which was killed goes on to the same row.

    OMP_NUM_THREADS=1 python benchmarks/evaluation_memory.py cifar10.npz --out evaluation-memory.json

The archive is one that `from_npz` reads. The stored rows are of CIFAR-10 with its 10,000 test images. They take
half an hour on two idle cores.

A network of 77,850 weights is trained for a few steps, so that it is worth attacking, and measured on the archive's
test images by `evaluate` with all its attacks: once killed again and again and started anew, and once in peace,
side by side. Each is a process of its own, whose peak memory is that of all in it: Python, torch and the whole
archive.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import tyro

from minimax_l2l import GradientAscent, LinfBall
from minimax_l2l.lab import write_rows
from tasks.adversarial import AdversarialTraining, ImageData, SmallResNet, evaluate, from_npz
from tasks.adversarial.evaluation.autoattack import Tier

EPS = 16 / 255


def classifier(data: ImageData, steps: int) -> SmallResNet:
    """Plainly trained; the same one in every process."""
    torch.manual_seed(0)
    network = SmallResNet(data.shape[0], data.classes, width=16)
    task = AdversarialTraining(network, data.train.first(64 * steps), LinfBall(EPS), epochs=1)
    task.solve(GradientAscent(steps=0), device="cpu")
    return network


def measure(data: ImageData, images: int, tier: Tier, steps: int, parts: Path) -> dict[str, Any]:
    """One row, gone on with from `parts` if it is there; this process should be fresh."""
    began, network = time.perf_counter(), classifier(data, steps)
    found = evaluate(network, data.test.first(images), LinfBall(EPS), tier=tier, kept_in=parts)
    return {
        "weights": sum(part.numel() for part in network.parameters()),
        **found.accuracies(),
        "seconds": round(time.perf_counter() - began, 1),
        "peak_bytes": _peak(),
    }


def started(command: list[str], kills: list[float]) -> dict[str, Any]:
    """The row of a process that is killed after so many seconds, as often as there are some, and begun again."""
    for seconds in kills:
        with suppress(subprocess.TimeoutExpired):  # whose process is killed on the spot
            subprocess.run(command, check=True, capture_output=True, timeout=seconds)
    row: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return row


def _peak() -> int:
    """This process's memory at its highest, in bytes, as Linux tells it."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main(
    data: Path,
    /,
    *,
    images: int = 10_000,
    tier: Tier = "quick",
    steps: int = 60,
    kills: tuple[float, ...] = (200, 400),
    parts: Path | None = None,
    out: Path | None = None,
) -> None:
    """Measure both, print their rows, and write them to a file if one is named.

    Args:
        data: the archive.
        images: how many of its test images.
        tier: of AutoAttack.
        steps: of training.
        kills: seconds after which the second evaluation is killed, each time it has been started.
        parts: measure in this process and keep finished pieces here; for the processes that are started.
        out: the result file.
    """
    about = {"images": images, "tier": tier, "eps": EPS, "steps": steps}
    if parts is not None:
        print(json.dumps({**about, **measure(from_npz(data), images, tier, steps, parts)}))
        return
    with TemporaryDirectory() as folder, ThreadPoolExecutor() as both:
        words = [
            sys.executable,
            __file__,
            str(data),
            "--images",
            str(images),
            "--tier",
            tier,
            "--steps",
            str(steps),
        ]
        ways: dict[str, tuple[float, ...]] = {"killed": kills, "in peace": ()}
        found = both.map(
            lambda name: started([*words, "--parts", str(Path(folder) / f"{name}.json")], list(ways[name])), ways
        )
        rows = [
            {"method": name, "seed": 0, "kills": len(ways[name]), **row}
            for name, row in zip(ways, found, strict=True)
        ]
    for row in rows:
        print(json.dumps(row))
    if out is not None:
        write_rows(out, rows)


if __name__ == "__main__":
    tyro.cli(main)
