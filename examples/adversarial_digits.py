"""Adversarial training of a digit classifier by PGM and by a learned two-step attacker, side by side.

Run it with `python examples/adversarial_digits.py`. Only the argument of `task.solve` differs between the rows;
the attacks that measure them are the same. The digits ship with scikit-learn, so nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch

from minimax_l2l import PGM, CNNUpdater, GradientAscent, InnerOptimizer, LearnedOptimizer, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, digits, evaluate

EPS = 0.15
COLUMNS = {
    "clean": "clean",
    "pgm_20": "PGM-20",
    "autoattack_quick": "APGD",
    "seconds": "seconds",
    "passes": "passes",
}

Row = dict[str, str | float | int]


def attackers() -> dict[str, Callable[[], InnerOptimizer]]:
    """The inner optimizers to train against, each made anew when its row begins."""
    return {
        "plain": lambda: GradientAscent(steps=0),
        "PGM-10": lambda: PGM(steps=10, step_size=0.25 * EPS),
        "2-Step L2L": lambda: LearnedOptimizer(CNNUpdater.light(channels=1, gain=16.0), steps=2, random_start=0.5),
    }


def train_and_measure(name: str, make: Callable[[], InnerOptimizer], *, epochs: int, images: int, seed: int) -> Row:
    """One row: train a classifier against an attacker, then attack it in every way `evaluate` knows."""
    torch.manual_seed(seed)
    data, threat, optimizer = digits(), LinfBall(EPS), make()
    task = AdversarialTraining(SmallResNet(), data, threat, epochs=epochs, query_mode="train", seed=seed)
    solution = task.solve(optimizer, progress=name)
    accuracies = evaluate(task.classifier, data.test.first(images), threat, tier="quick", seed=seed).accuracies()
    # A weight gradient costs about as much as an input gradient; forward passes are left out of this sum.
    passes = solution.passes.input_gradient + solution.passes.weight_gradient
    return {"method": name, **accuracies, "seconds": solution.seconds, "passes": passes}


def main() -> None:
    """Train, measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("adversarial_digits.json"), help="the rows, as JSON")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images (default: 40)")
    parser.add_argument("--images", type=int, default=360, help="test images to attack (default: all 360)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="three epochs and 40 test images")
    options = parser.parse_args()
    epochs, images = (3, 40) if options.quick else (options.epochs, options.images)

    print(
        f"accuracy on {images} test digits, perturbations of at most {EPS} a pixel; backward passes of the training"
    )
    print(f"{'trained with':14}" + "".join(f"{title:>10}" for title in COLUMNS.values()))
    rows = []
    for name, make in attackers().items():
        rows.append(train_and_measure(name, make, epochs=epochs, images=images, seed=options.seed))
        cells = [rows[-1][field] for field in COLUMNS]
        shown = "".join(f"{cell:>10.3f}" if isinstance(cell, float) else f"{cell:>10}" for cell in cells)
        print(f"{name:14}{shown}", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"rows: {options.out}")


if __name__ == "__main__":
    main()
