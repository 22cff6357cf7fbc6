"""What one meta-step of the paper's dense updater costs.

    OMP_NUM_THREADS=2 python benchmarks/dense_updater.py --out benchmarks/results/dense-updater.json

Three ways to take the same step (forward, backward, Adam) on the updater of a discriminator with m weights:

* `naive`: autograd stores the gradient, torch's fused Adam reads it;
* `for-loop`: the same with torch's unfused Adam;
* `streaming`: `DenseMLPUpdater(streaming=True)` and `StreamingAdam`, which never store it.

Each is measured in a process of its own, one after the other; for m = 2,561 the largest needs about 8 GB. Set
OMP_NUM_THREADS to the number of idle cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import tyro
from torch import Tensor, nn

from minimax_l2l import DenseMLPUpdater, StreamingAdam
from minimax_l2l.lab import write_rows

Variant = Literal["naive", "for-loop", "streaming"]
ADAM = {"lr": 1e-4, "weight_decay": 2e-4, "maximize": True}


def rows(size: int = 2561, steps: int = 5, compare_size: int = 300) -> list[dict[str, Any]]:
    """Measure every variant in a fresh process, and how far streaming and naive weights are apart.

    Args:
        size: m, the number of the discriminator's weights.
        steps: how many steps are timed; the fastest counts, after one that is not.
        compare_size: m at which naive and streaming are compared, where both fit.

    Returns:
        A row for each variant; `largest_difference` is of weights after `steps` steps, relative to each
        tensor's largest entry.
    """
    difference = largest_difference(compare_size, steps)
    measured = []
    for variant in get_args(Variant):
        command = [sys.executable, __file__, "--variant", variant, "--size", str(size), "--steps", str(steps)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        measured.append(json.loads(output))
    measured[-1] |= {"largest_difference": difference, "compare_size": compare_size}
    return measured


def measure(variant: Variant, size: int, steps: int) -> dict[str, Any]:
    """Seconds, CPU-seconds and peak memory of one variant in this process, which should be fresh."""
    meta_step(*build(variant, 8), torch.randn(1, 2, 8))  # torch's own libraries and threads
    baseline = _memory("VmRSS")
    updater, adam = build(variant, size)
    features = torch.randn(1, 2, size)
    clocks = []
    for _ in range(1 + steps):
        wall, cpu = time.perf_counter(), time.process_time()
        meta_step(updater, adam, features)
        clocks.append((time.perf_counter() - wall, time.process_time() - cpu))
    weights = sum(parameter.numel() for parameter in updater.parameters())
    beyond = _memory("VmHWM") - baseline
    return {
        "method": variant,
        "seed": 0,
        "size": size,
        "weights": weights,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "seconds": min(wall for wall, _ in clocks[1:]),
        "cpu_seconds": min(cpu for _, cpu in clocks[1:]),
        "bytes_moved": bytes_moved(variant, updater),
        "peak_bytes": beyond,
        "peak_bytes_above_weights_and_moments": beyond - 12 * weights,
    }


def build(variant: Variant, size: int) -> tuple[DenseMLPUpdater, torch.optim.Optimizer]:
    """The updater, the same for one seed, and its Adam."""
    torch.manual_seed(0)
    updater = DenseMLPUpdater(size, zero_head=False, streaming=variant == "streaming")
    if variant == "streaming":
        return updater, StreamingAdam(updater.parameters(), **ADAM)
    fused = variant == "naive"
    return updater, torch.optim.Adam(updater.parameters(), **ADAM, fused=fused, foreach=False)


def meta_step(updater: nn.Module, adam: torch.optim.Optimizer, features: Tensor) -> None:
    """Forward, backward and Adam, as `Task.solve` takes them."""
    update, _ = updater(features, ())
    phi = list(updater.parameters())
    objective = (features[:, 1] * update).sum().sigmoid()
    for parameter, gradient in zip(phi, torch.autograd.grad(objective, phi), strict=True):
        parameter.grad = gradient
    adam.step()
    adam.zero_grad()


def bytes_moved(variant: Variant, updater: DenseMLPUpdater) -> int:
    """By arithmetic: 4 bytes for each number that has to be read from memory or written to it.

    The forward pass reads every weight, the backward pass those above the first layer. Streaming Adam reads
    and writes weights and two moments (24 bytes a weight). Where the gradient is stored it is written once and
    read by the fused Adam (32); the unfused one makes nine passes: negate, decay, lerp, mul, addcmul, sqrt, div,
    add and addcdiv, which move 8 + 12 + 12 + 8 + 12 + 8 + 8 + 8 + 16 = 92 bytes, after the gradient's 4.
    """
    weights = [layer.weight.numel() for layer in updater.modules() if isinstance(layer, nn.Linear)]
    each = {"naive": 32, "for-loop": 96, "streaming": 24}[variant]
    return 4 * sum(weights) + 4 * sum(weights[1:]) + each * sum(weights)


def largest_difference(size: int, steps: int) -> float:
    """Between naive and streaming weights after some steps, relative to each tensor's largest entry."""
    weights = []
    for variant in ("naive", "streaming"):
        updater, adam = build(variant, size)
        generator = torch.Generator().manual_seed(1)
        for _ in range(steps):
            meta_step(updater, adam, torch.randn(1, 2, size, generator=generator))
        weights.append([parameter.detach() for parameter in updater.parameters()])
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*weights, strict=True))


def _memory(name: Literal["VmRSS", "VmHWM"]) -> int:
    """This process's memory now, or at its highest, in bytes, as Linux tells it."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{name}:")[1].split()[0])


def main(variant: Variant | None = None, size: int = 2561, steps: int = 5, out: Path | None = None) -> None:
    """Print a JSON row of one variant, or of each, and write them to a file if one is named."""
    measured = [measure(variant, size, steps)] if variant is not None else rows(size, steps)
    for row in measured:
        print(json.dumps(row))
    if out is not None:
        write_rows(out, measured)


if __name__ == "__main__":
    tyro.cli(main)
