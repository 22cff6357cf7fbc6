"""AutoAttack through `evaluate`, and called directly, on the same images with its full budget.

    python benchmarks/autoattack_equality.py

A classifier of digits is adversarially trained for two epochs, so that some images fall and some do not, and
attacked by all four attacks of the standard version both ways, in L_inf and in L2. One row per norm, kept in
benchmarks/results/autoattack-equality.json.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyautoattack
import torch

from minimax_l2l import PGM, L2Ball, LinfBall
from minimax_l2l.lab import Row, fill
from tasks.adversarial import AdversarialTraining, SmallResNet, digits, evaluate
from tasks.adversarial.evaluation.autoattack import autoattack

RESULTS = Path(__file__).parent / "results" / "autoattack-equality.json"
THREATS = {"Linf": LinfBall(0.15), "L2": L2Ball(0.8)}  # by the library's names of norms
IMAGES, SEED = 200, 0


@dataclass(frozen=True)
class Compared:
    """Both ways in one norm."""

    norm: str

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its row from the other."""
        return {"method": "pgm-2", "seed": SEED, "norm": self.norm, "eps": THREATS[self.norm].eps, "images": IMAGES}


def compare(job: Compared) -> Row:
    """Attack the images three times: by the library, by `autoattack`, by `evaluate`."""
    threat, data = THREATS[job.norm], digits()
    torch.manual_seed(SEED)
    task = AdversarialTraining(SmallResNet(), data, threat, epochs=2)
    task.solve(PGM(steps=2, step_size=threat.eps), device="cpu")
    classifier, images = task.classifier.eval(), data.test.first(IMAGES)
    began = time.perf_counter()
    logging.getLogger("auto-attack").propagate = False
    attack = pyautoattack.AutoAttack(
        classifier, norm=job.norm, eps=threat.eps, seed=SEED, version="standard", device="cpu"
    )
    theirs, _ = attack.run_standard_evaluation(images.pixels(), images.labels, batch_size=IMAGES)
    with torch.no_grad():
        kept = classifier(theirs).argmax(1) == images.labels
    ours, _ = autoattack(classifier, images, threat, tier="standard", seed=SEED)
    found = evaluate(classifier, images, threat, tier="standard", seed=SEED).survived["autoattack"]
    return {
        "clean": int((classifier(images.pixels()).argmax(1) == images.labels).sum()),
        "kept_by_the_library": int(kept.sum()),
        "kept_by_evaluate": int(found.sum()),
        "images_judged_alike": int((found == kept).sum()),
        "images_attacked_alike": int((ours == theirs).flatten(1).all(1).sum()),
        "seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    fill(RESULTS, [Compared(norm) for norm in THREATS], compare, announce=print, workers=1)
