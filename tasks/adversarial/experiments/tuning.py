"""How the digits' settings were chosen: eps, then each method's steps, then the classifier's own training.

Every method has the same number of trials; eps, epochs and weight decay are chosen from hand-designed methods
alone. Nothing here sees a test image. Each seed draws its own fifth of the other images to validate on and trains
on the rest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from minimax_l2l import FGSM, PGM, GradientAscent, InnerOptimizer, LinfBall, Status
from minimax_l2l.families import Announce
from minimax_l2l.files import atomic
from minimax_l2l.modes import QueryMode
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from tasks.adversarial.data import ImageData, Images, digits
from tasks.adversarial.evaluation.robustness import resting, withstands
from tasks.adversarial.experiments.pool import begin
from tasks.adversarial.losses import cross_entropy, margin
from tasks.adversarial.models.small_resnet import SmallResNet
from tasks.adversarial.presets.methods import light
from tasks.adversarial.presets.runs import DIGITS_EPS
from tasks.adversarial.task import AdversarialTraining

SEEDS = (10, 11)
RECIPE_SEEDS = (10, 11, 12)
TRIAL_EPOCHS, TRIAL_WEIGHT_DECAY = 40, 5e-4
# The best setting of each hand-designed method, by which the classifier's training is chosen for all.
RECIPE = (("fgsm-rs", 2.0, 1.0), ("pgm-2", 1.0, 1.0), ("pgm-10", 0.15, 1.0))


@dataclass(frozen=True)
class Trial:
    """One setting of one method; steps and starts in units of eps."""

    method: str
    step_size: float
    random_start: float
    query_mode: QueryMode
    eps: float = DIGITS_EPS
    epochs: int = TRIAL_EPOCHS
    weight_decay: float = TRIAL_WEIGHT_DECAY

    def optimizer(self) -> InnerOptimizer:
        """The inner optimizer of this setting."""
        name = self.method.removeprefix("remembered-")
        if name == "plain":
            return GradientAscent(steps=0)
        if name.startswith("fgsm"):
            return FGSM(step_size=self.step_size * self.eps, random_start=self.random_start)
        if name.startswith("pgm"):
            return PGM(steps=int(name.removeprefix("pgm-")), step_size=self.step_size * self.eps)
        return light(self.step_size, self.random_start)(self.eps, 1 if name == "grad-l2l" else 2, 1)


def trials(seed: int) -> Iterator[Trial]:
    """Three step sizes of every method, queries in train mode; then the classifier's training.

    The first seed also tries plain and PGM-10 at four radii, and queries in eval mode for all methods without
    memory.
    """
    if seed in SEEDS:
        yield from _steps(seed)
    for method, step_size, random_start in RECIPE:
        for epochs in (40, 80):
            for weight_decay in (5e-4, 2e-3):
                yield Trial(method, step_size, random_start, "train", epochs=epochs, weight_decay=weight_decay)


def _steps(seed: int) -> Iterator[Trial]:
    first = seed == SEEDS[0]
    for eps in (0.05, 0.1, 0.15, 0.2) if first else ():
        yield Trial("plain", 0.0, 0.0, "eval", eps)
        yield Trial("pgm-10", 0.25, 1.0, "eval", eps)
    grid: dict[str, tuple[tuple[float, float], ...]] = {
        "fgsm-rs": ((1.25, 1.0), (1.5, 1.0), (2.0, 1.0)),
        "pgm-2": ((0.5, 1.0), (0.75, 1.0), (1.0, 1.0)),
        "pgm-10": ((0.15, 1.0), (0.25, 1.0), (0.35, 1.0)),
        "grad-l2l": ((1.25, 0.5), (1.5, 1.0), (2.0, 1.0)),
        "two-step-l2l": ((0.75, 0.5), (1.0, 0.5), (1.0, 1.0)),
        "remembered-fgsm": ((0.4, 0.0), (0.75, 0.0), (1.0, 0.0)),
        "remembered-grad-l2l": ((0.75, 0.0), (1.0, 0.0), (1.5, 0.0)),
        "remembered-two-step-l2l": ((0.5, 0.0), (0.75, 0.0), (1.0, 0.0)),
    }
    for method, settings in grid.items():
        for step_size, random_start in settings:
            yield Trial(method, step_size, random_start, "train")
            if first and not method.startswith("remembered"):
                yield Trial(method, step_size, random_start, "eval")


def tune_digits(out: Path, announce: Announce) -> Path:
    """Run every trial on every seed; rows that `out` holds already are kept.

    Args:
        out: folder of `digits-tuning.json`.
        announce: called with a few words before each piece of work.

    Returns:
        `out / "digits-tuning.json"`.
    """
    file = RunFolder(out).path / "digits-tuning.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"] if file.exists() else []
    wanted = dict.fromkeys((trial, seed) for seed in RECIPE_SEEDS for trial in trials(seed))
    done = {_key(row) for row in rows}
    missing = [(trial, seed) for trial, seed in wanted if _key({**vars(trial), "seed": seed}) not in done]
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=begin)
    try:
        futures = [pool.submit(_row, trial, seed) for trial, seed in missing]
        for future in as_completed(futures):
            rows.append(future.result())
            announce(f"{len(rows)} of {len(wanted)} trials are done")
            content = {"environment": describe_environment({"digits": digits().sha256}), "rows": rows}
            with atomic(file) as target:
                target.write((json.dumps(content, indent=1) + "\n").encode())
    finally:
        pool.shutdown(cancel_futures=True)
    return file


def _row(trial: Trial, seed: int) -> dict[str, Any]:
    return {**vars(trial), "seed": seed, **measure(trial, _fold(seed), seed)}


def measure(trial: Trial, data: ImageData, seed: int) -> dict[str, float]:
    """Train with a trial's settings and attack the validation images."""
    torch.manual_seed(seed)
    classifier = SmallResNet()
    task = AdversarialTraining(
        classifier,
        data,
        LinfBall(trial.eps),
        epochs=trial.epochs,
        weight_decay=trial.weight_decay,
        query_mode=trial.query_mode,
        remembers=trial.method.startswith("remembered"),
        seed=seed,
    )
    solution = task.solve(trial.optimizer(), device="cpu")
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    attack = PGM(steps=100, step_size=trial.eps / 10)
    with resting(classifier):
        clean = withstands(classifier, data.validation, task.threat, GradientAscent(steps=0))
        robust = clean
        for loss in (cross_entropy, margin):
            robust = robust & withstands(classifier, data.validation, task.threat, attack, loss=loss, seed=seed)
    return {
        "clean": clean.float().mean().item(),
        "robust": robust.float().mean().item(),
        "images": len(data.validation),
        "train_seconds": round(solution.seconds, 2),
    }


def _fold(seed: int) -> ImageData:
    """The images that are not test images, split anew."""
    data = digits()
    images = torch.cat([data.train.images, data.validation.images])
    labels = torch.cat([data.train.labels, data.validation.labels])
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    held_out, kept = order[: len(order) // 5], order[len(order) // 5 :]
    validation = Images(images[held_out], labels[held_out])
    return ImageData("digits", Images(images[kept], labels[kept]), validation, validation, 10, data.sha256)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        row[name]
        for name in (
            "method",
            "step_size",
            "random_start",
            "query_mode",
            "eps",
            "epochs",
            "weight_decay",
            "seed",
        )
    )
