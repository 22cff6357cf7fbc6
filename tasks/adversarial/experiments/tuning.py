"""How the digits' settings were chosen: eps, then each method's steps, then the classifier's own training.

Every method has the same number of trials; eps, epochs and weight decay are chosen from hand-designed methods
alone. Nothing here sees a test image. Each seed draws its own fifth of the other images to validate on and trains
on the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from minimax_l2l import PGM, GradientAscent, InnerOptimizer, LinfBall, QueryMode, Status, resting
from minimax_l2l.lab import EVERY_CORE, Announce, fill
from tasks.adversarial.data.digits import digits
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.evaluation.robustness import withstands
from tasks.adversarial.losses import cross_entropy, margin
from tasks.adversarial.models.small_resnet import SmallResNet
from tasks.adversarial.presets.methods import METHODS, Setting
from tasks.adversarial.presets.settings import EPS
from tasks.adversarial.task import AdversarialTraining

SEEDS = (10, 11)
RECIPE_SEEDS = (10, 11, 12)
# The best setting of each hand-designed method, by which the classifier's training is chosen for all.
RECIPE = (("fgsm-rs", 2.0, 1.0), ("pgm-2", 1.0, 1.0), ("pgm-10", 0.15, 1.0))


@dataclass(frozen=True)
class Trial:
    """One setting of one method on one seed; steps and starts in units of eps."""

    method: str
    step_size: float
    random_start: float
    query_mode: QueryMode
    seed: int
    eps: float = EPS
    epochs: int = 40
    weight_decay: float = 5e-4

    @property
    def identity(self) -> Mapping[str, Any]:
        """All of it."""
        return asdict(self)

    def optimizer(self) -> InnerOptimizer:
        """The inner optimizer of this setting."""
        method = replace(METHODS[self.method], step_size=self.step_size, random_start=self.random_start)
        return method.make(Setting(self.eps, method.steps, channels=1))


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
                yield Trial(
                    method, step_size, random_start, "train", seed, epochs=epochs, weight_decay=weight_decay
                )


def _steps(seed: int) -> Iterator[Trial]:
    first = seed == SEEDS[0]
    for eps in (0.05, 0.1, 0.15, 0.2) if first else ():
        yield Trial("plain", 0.0, 0.0, "eval", seed, eps)
        yield Trial("pgm-10", 0.25, 1.0, "eval", seed, eps)
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
            yield Trial(method, step_size, random_start, "train", seed)
            if first and not METHODS[method].remembers:
                yield Trial(method, step_size, random_start, "eval", seed)


def tune_digits(
    out: Path, *, announce: Announce, workers: int = EVERY_CORE, seeds: Sequence[int] = RECIPE_SEEDS
) -> Path:
    """Run every trial on every seed; rows that `out` holds already are kept.

    Args:
        out: folder of `digits-tuning.json`.
        announce: called with a few words before each piece of work.
        workers: see `play_all`.
        seeds: of the splits, the order of images and random starts.

    Returns:
        `out / "digits-tuning.json"`.
    """
    wanted = list(dict.fromkeys(trial for seed in seeds for trial in trials(seed)))
    data = {"digits": digits().sha256}
    return fill(out / "digits-tuning.json", wanted, measure, announce=announce, workers=workers, data=data)


def measure(trial: Trial, data: ImageData | None = None) -> dict[str, float]:
    """Train with a trial's settings and attack the validation images.

    Args:
        trial: what is tried.
        data: to train and validate on; the digits that are no test images, split by the trial's seed, if None.
    """
    data = data if data is not None else _fold(trial.seed)
    torch.manual_seed(trial.seed)
    classifier = SmallResNet()
    task = AdversarialTraining(
        classifier,
        data,
        LinfBall(trial.eps),
        epochs=trial.epochs,
        weight_decay=trial.weight_decay,
        query_mode=trial.query_mode,
        remembers=METHODS[trial.method].remembers,
        seed=trial.seed,
    )
    solution = task.solve(trial.optimizer(), device="cpu")
    if solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    attack = PGM(steps=100, step_size=trial.eps / 10)
    with resting(classifier):
        clean = withstands(classifier, data.validation, task.threat, GradientAscent(steps=0))
        robust = clean
        for loss in (cross_entropy, margin):
            robust = robust & withstands(
                classifier, data.validation, task.threat, attack, loss=loss, seed=trial.seed
            )
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
