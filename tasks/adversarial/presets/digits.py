"""The presets `adversarial/digits-METHOD`: a small classifier of digits, or of your images, and its attacker."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l.errors import require_count, require_fraction, require_positive
from minimax_l2l.lab import Announce, Built, Hidden, Preset
from tasks.adversarial.models.named import classifier_named, require_name
from tasks.adversarial.presets.methods import METHODS, Method

if TYPE_CHECKING:
    from tasks.adversarial.data.images import ImageData
    from tasks.adversarial.task import AdversarialTraining

# Chosen on validation images, from hand-designed methods alone; docs/tuning.md shows the trials.
EPS, EPOCHS, WEIGHT_DECAY = 0.15, 80, 2e-3
# The radii at which results on data of these names are usually stated.
USUAL = {"mnist": 0.3, "fashionmnist": 0.1, "cifar10": 8 / 255, "cifar100": 8 / 255, "svhn": 8 / 255}


@dataclass(frozen=True, kw_only=True)
class DigitsPreset(Preset):
    """Adversarial training with a method whose inner steps are its own.

    Attributes:
        method: a name in `METHODS`.
        data: your own images: a NumPy archive with x_train, y_train, x_test and y_test, or a folder with
            train/CLASS and test/CLASS of pictures; digits if not given.
        eps: radius of the threat, in units of pixels in [0, 1]. If not given it is the usual one of the data, by
            the name of their file or folder: 0.15 for digits, 0.3 for mnist, 0.1 for fashion_mnist, 8/255 for
            cifar10, cifar100 and svhn; other data need one.
        classifier: small-resnet (or small-resnet-16, its width), small-cnn, resnet-18, preact-resnet-18, wrn-34-10
            (any depth and width), or module:factory, your own: called with channels and classes, it returns a
            torch.nn.Module from images in [0, 1] to logits.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: highest of the classifier's one-cycle schedule.
        momentum: of the classifier's SGD, in [0, 1].
        weight_decay: of the classifier's SGD, per step and in units of the learning rate.
    """

    method: Hidden[str]
    data: Path | None = None
    eps: float | None = None
    classifier: str = "small-resnet"
    epochs: int = EPOCHS
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = WEIGHT_DECAY

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("eps", self.radius)
        require_name(self.classifier)
        require_count("epochs", self.epochs, least=1)
        require_count("batch_size", self.batch_size, least=1)
        require_positive("learning_rate", self.learning_rate)
        require_fraction("momentum", self.momentum)
        if not math.isfinite(self.weight_decay) or self.weight_decay < 0:
            raise ValueError(
                f"weight_decay must be a finite number of at least 0, got {self.weight_decay}; pass 0.0."
            )

    @property
    def radius(self) -> float:
        """The threat's eps, which belongs to the data.

        Raises:
            ValueError: if none was given, and the data's usual one is not known.
        """
        if self.eps is not None or self.data is None:
            return EPS if self.eps is None else self.eps
        usual = USUAL.get(re.sub(r"[^a-z0-9]", "", self.data.stem.lower()))
        if usual is None:
            raise ValueError(
                f"eps belongs to a data set, and no usual one is known for {self.data.stem!r}; pass eps=0.03, say, "
                "in units of pixels in [0, 1]."
            )
        return usual

    def settings(self) -> dict[str, Any]:
        """With the radius that was played."""
        return {**super().settings(), "eps": self.radius}

    @property
    def row(self) -> Method:
        """Its method as the table has it."""
        return METHODS[self.method]

    @property
    def steps(self) -> int:
        """K, the attacker's inner steps."""
        return self.row.steps

    @property
    def summary(self) -> str:
        """One line for lists of presets."""
        return f"a classifier of 8 x 8 digits trained with {self.row.title}"

    def images(self) -> ImageData:
        """What is trained on: the digits, or what `data` holds."""
        from tasks.adversarial.data.digits import digits
        from tasks.adversarial.data.reading import read_data

        return read_data(self.data) if self.data is not None else digits()

    def build(self) -> Built:
        """Classifier, task and attacker.

        Raises:
            TypeError: if the classifier's factory makes no module.
            ValueError: on data that make no sense, or that a light attacker cannot halve; if there is no such
                classifier, or it cannot take the data.
        """
        import torch

        from minimax_l2l import LinfBall
        from tasks.adversarial.task import AdversarialTraining

        data = self.images()
        channels, height, width = data.shape
        if self.row.learns and (height % 2 or width % 2):
            raise ValueError(
                f"the light attacker halves images, so their height and width must be even, got {height} x "
                f"{width}; pad them by one pixel."
            )
        torch.manual_seed(self.seed)
        task = AdversarialTraining(
            classifier_named(self.classifier, data.shape, data.classes),
            data,
            LinfBall(self.row.radius * self.radius),
            validated_at=LinfBall(self.radius),
            outer_loss=self.row.outer_loss(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            query_mode="train",
            remembers=self.row.remembers,
            start=self.row.start(self.radius),
            replays=self.row.replays,
            seed=self.seed,
        )
        return Built(
            task,
            self.row.make(self.radius, self.steps, channels),
            facts={"method": self.method, "data": data.name, "data_sha256": data.sha256},
            validate_every=_validate_every(task, self.steps),
        )

    def evaluate(self, folder: Path, *, device: str, batch_size: int, announce: Announce) -> dict[str, Any]:
        """Standard AutoAttack and everything weaker on all test images."""
        from tasks.adversarial.presets.runs import evaluate_run

        return evaluate_run(self, folder, device=device, batch_size=batch_size, announce=announce)


def _validate_every(task: AdversarialTraining, steps: int) -> int:
    """Ten validations a run, fewer where they would take more passes than a tenth of the training's."""
    assert task.data.validation is not None
    training = (task.iterations or 0) * task.batch_size * (2 * steps + 3)
    once = len(task.data.validation) * (2 * steps + 1 + 2 * 10 + 1 + 1)
    count = min(max(training // (10 * once), 1), 10)
    return max(-(-(task.iterations or 1) // count), 1)


@dataclass(frozen=True, kw_only=True)
class SteppedPreset(DigitsPreset):
    """Adversarial training with a method that takes as many inner steps as it is told.

    Attributes:
        inner_steps: steps of the attacker on each batch.
    """

    inner_steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("inner_steps", self.inner_steps, least=1)  # with none it would be plain training

    @property
    def steps(self) -> int:
        """K, the attacker's inner steps."""
        return self.inner_steps


DIGITS: dict[str, DigitsPreset] = {
    f"adversarial/digits-{name}": DigitsPreset(method=name)
    if method.fixed_steps
    else SteppedPreset(method=name, inner_steps=method.steps)
    for name, method in METHODS.items()
}
