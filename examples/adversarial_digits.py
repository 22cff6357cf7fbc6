"""Adversarial training of a digit classifier by PGM and by a learned two-step attacker, side by side.

Run it with `python examples/adversarial_digits.py`. Only the argument of `task.solve` differs between the rows; the
attacks that measure them are the same. The command `minimax-l2l evaluate` attacks with AutoAttack as well.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch

from minimax_l2l import PGM, CNNUpdater, GradientAscent, InnerOptimizer, LearnedOptimizer, LinfBall
from tasks.adversarial import AdversarialTraining, SmallResNet, cross_entropy, digits, margin
from tasks.adversarial.evaluation.robustness import withstands

EPS = 0.15
TRAINED_WITH: dict[str, Callable[[], InnerOptimizer]] = {
    "plain": lambda: GradientAscent(steps=0),
    "PGM-10": lambda: PGM(steps=10, step_size=0.25 * EPS),
    "2-Step L2L": lambda: LearnedOptimizer(CNNUpdater.light(channels=1, gain=16.0), steps=2, random_start=0.5),
}
ATTACKED_BY = {
    "clean": (GradientAscent(steps=0), cross_entropy),
    "PGM-20": (PGM(steps=20, step_size=EPS / 10), cross_entropy),
    "CW-100": (PGM(steps=100, step_size=EPS / 10), margin),
}

Row = dict[str, str | float | int]


def train_and_attack(name: str, *, epochs: int, images: int, seed: int) -> Row:
    """One row: a classifier trained against an attacker, its accuracies under attack, what its training cost."""
    torch.manual_seed(seed)
    data, threat = digits(), LinfBall(EPS)
    task = AdversarialTraining(SmallResNet(), data, threat, epochs=epochs, query_mode="train", seed=seed)
    solution = task.solve(TRAINED_WITH[name](), device="cpu", progress=name)
    row: Row = {"method": name}
    for title, (attacker, loss) in ATTACKED_BY.items():
        kept = withstands(task.classifier, data.test.first(images), threat, attacker, loss=loss, seed=seed)
        row[title] = kept.float().mean().item()
    return row | {"seconds": solution.seconds, **solution.passes.as_row()}


def main() -> None:
    """Train, attack, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("adversarial_digits.json"), help="the rows, as JSON")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images (default: 40)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--quick", action="store_true", help="three epochs, 60 test digits")
    options = parser.parse_args()
    epochs, images = (3, 60) if options.quick else (options.epochs, 360)

    print(f"accuracy on {images} test digits under perturbations of at most {EPS} per pixel, and training's cost")
    print(
        "trained with     clean    PGM-20    CW-100   seconds   passes: forward / input gradient / weight gradient"
    )
    rows = []
    for name in TRAINED_WITH:
        row = train_and_attack(name, epochs=epochs, images=images, seed=options.seed)
        rates = "".join(f"{row[title]:>10.3f}" for title in ATTACKED_BY)
        passes = " / ".join(str(count) for field, count in row.items() if field.endswith("passes"))
        print(f"{name:12}{rates}{row['seconds']:>10.1f}   {passes}", flush=True)
        rows.append(row)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"rows: {options.out}")


if __name__ == "__main__":
    main()
