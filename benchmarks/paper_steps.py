"""One step of every preset for a GPU, at its own size, on any machine: what it costs here, and what was predicted.

    python benchmarks/paper_steps.py cifar10.npz

Each preset `adversarial/images-METHOD-paper` takes one step on two images with the real WRN-34-10, in a process of
its own; so does each `adversarial/images-METHOD-gpu`, with its ResNet-18 in bf16. The row says how long it took,
how much memory the process held at most, and what arithmetic says of this step and of one of 128 images. One row
per preset, kept in benchmarks/results/paper-steps.json; a second call goes on.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from minimax_l2l.lab import Row, fill
from tasks.adversarial import AdversarialTraining, step_cost
from tasks.adversarial.presets.images import IMAGES

RESULTS = Path(__file__).parent / "results" / "paper-steps.json"
HERE, WHOLE = 2, 128  # images per step


@dataclass(frozen=True)
class OneStep:
    """A step of a preset.

    Attributes:
        name: of the preset.
        data: what it plays on.
    """

    name: str
    data: Path

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from others."""
        return {"method": IMAGES[self.name].method, "seed": IMAGES[self.name].seed, "preset": self.name}


def measured(job: OneStep) -> Row:
    """Take the step in a new process, whose memory is then this step's alone."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_step, job).result()


def _step(job: OneStep) -> Row:
    preset = replace(IMAGES[job.name], data=job.data, train_images=WHOLE)
    whole, here = (replace(preset, batch_size=images).build() for images in (WHOLE, HERE))
    assert isinstance(whole.task, AdversarialTraining)
    assert isinstance(here.task, AdversarialTraining)
    costs = [step_cost(one.task, one.optimizer) for one in (here, whole)]
    begun = time.perf_counter()
    solution = here.task.solve(here.optimizer, steps=1, device="cpu", precision=here.precision)
    return {
        "images": HERE,
        "seconds": round(time.perf_counter() - begun, 1),
        "objective": solution.history[-1]["objective"],
        **solution.passes.as_row(),
        "process_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "predicted": [
            {
                "images": images,
                "flops": cost.flops,
                "bytes": cost.weights + cost.gradients + cost.moments + cost.activations,
            }
            for images, cost in zip((HERE, WHOLE), costs, strict=True)
        ],
    }


if __name__ == "__main__":
    data = Path(sys.argv[1])
    jobs = [OneStep(name, data) for name in IMAGES if name.endswith(("-paper", "-gpu"))]
    fill(RESULTS, jobs, measured, announce=print, workers=1)
