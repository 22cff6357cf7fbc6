"""The settings of adversarial training as a preset has them: what each means, and what makes no sense."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from minimax_l2l.errors import (
    require_choice,
    require_count,
    require_flag,
    require_fraction,
    require_not_negative,
    require_positive,
)
from minimax_l2l.lab import Hidden, Preset
from tasks.adversarial.models.named import require_name
from tasks.adversarial.presets.methods import METHODS, Method

# Chosen for the digits on validation images, from hand-designed methods alone; docs/tuning.md shows the trials.
EPS, EPOCHS, WEIGHT_DECAY = 0.15, 80, 2e-3
DATASETS = ("cifar10", "cifar100", "svhn", "mnist", "fashion-mnist")
Schedule = Literal["one-cycle", "multi-step"]
Precision = Literal["32-true", "bf16-mixed"]
# The radii at which results on data of these names are usually stated.
USUAL = {"mnist": 0.3, "fashionmnist": 0.1, "cifar10": 8 / 255, "cifar100": 8 / 255, "svhn": 8 / 255}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Preset):
    """What every method of training takes.

    Attributes:
        method: a name in `METHODS`.
        embedded: whether it plays on the digits if no data are given.
        data: your own images: a NumPy archive with x_train, y_train, x_test and y_test, or a folder with
            train/CLASS and test/CLASS of pictures. Presets for digits play on the digits if none are given.
        dataset: cifar10, cifar100, svhn, mnist or fashion-mnist, if `data` is the folder where torchvision keeps
            it.
        eps: radius of the threat, in units of pixels in [0, 1]. If not given it is the usual one of the data, by
            `dataset` or the name of their file or folder: 0.15 for digits, 0.3 for mnist, 0.1 for fashion_mnist,
            8/255 for cifar10, cifar100 and svhn; other data need one.
        classifier: small-resnet (or small-resnet-16, its width), strided-cnn, small-cnn, resnet-18,
            preact-resnet-18, wrn-34-10 (any depth and width), or module:factory, your own: called with channels and
            classes, it returns a torch.nn.Module from images in [0, 1] to logits.
        train_images: how many training images are used at most, the first ones; all if not given.
        crop: largest random shift of training images, in pixels of zeros on each side.
        flip: flip half of the training images, left to right.
        epochs: passes over the training images.
        batch_size: images per step.
        attacker_width: channels of a learned attacker's first convolution; if not given, 8 of a light one, 64 of a
            wide one and FGSM-SDI's, 128 of a slim one.
        step_size: of the attacker, in units of eps; the method's own if not given.
        learning_rate: the highest of the classifier's schedule.
        schedule: one-cycle, or multi-step: a tenth of the learning rate after 30, 60 and 90 per cent of the run.
        momentum: of the classifier's SGD, in [0, 1].
        weight_decay: of the classifier's SGD, per step and in units of the learning rate.
        label_smoothing: share of each label that goes to all classes alike, in [0, 1], in what the classifier
            descends; the attacker ascends plain cross-entropy.
        weight_averaging: decay of a moving average of the classifier's weights, which is then what is evaluated; 0
            for none. At 0.99 a step is felt for about a hundred.
        early_stopping: evaluate the weights that did best against PGM-10 on validation images.
        warm_up: part of the training in which the radius grows from nothing to its own, in [0, 1]; 0 for none. In a
            large radius a classifier may learn nothing without it.
        precision: of forward passes, 32-true or bf16-mixed.
        validate_every: steps between two validations, on at most 500 images; 0 for none. If not given there are ten
            in a run, or fewer where they would take more passes than a tenth of the training's, but one at least.
    """

    method: Hidden[str]
    embedded: Hidden[bool] = True
    data: Path | None = None
    dataset: str | None = None
    eps: float | None = None
    classifier: str = "small-resnet"
    train_images: int | None = None
    crop: int = 0
    flip: bool = False
    epochs: int = EPOCHS
    batch_size: int = 64
    attacker_width: int | None = None
    step_size: float | None = None
    learning_rate: float = 0.1
    schedule: Schedule = "one-cycle"
    momentum: float = 0.9
    weight_decay: float = WEIGHT_DECAY
    label_smoothing: float = 0.0
    weight_averaging: float = 0.0
    early_stopping: bool = False
    warm_up: float = 0.0
    precision: Precision = "32-true"
    validate_every: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps is not None or self.data is not None:
            require_positive("eps", self.radius)
        if self.dataset is not None:
            require_choice("dataset", self.dataset, DATASETS)
            if self.data is None:
                raise ValueError(f"dataset={self.dataset!r} is read from a folder; name it with --data.")
        if self.train_images is not None:
            require_count("train_images", self.train_images, least=1)
        require_count("crop", self.crop)
        require_flag("flip", self.flip)
        require_name(self.classifier)
        require_count("epochs", self.epochs, least=1)
        require_count("batch_size", self.batch_size, least=1)
        if self.attacker_width is not None:
            require_count("attacker_width", self.attacker_width, least=1)
            if not self.row.learns:
                raise ValueError(f"attacker_width must be left out, because {self.row.title} has no network.")
        if self.step_size is not None:
            require_positive("step_size", self.step_size)
        require_positive("learning_rate", self.learning_rate)
        require_choice("schedule", self.schedule, get_args(Schedule))
        require_fraction("momentum", self.momentum)
        require_not_negative("weight_decay", self.weight_decay)
        require_fraction("label_smoothing", self.label_smoothing)
        require_fraction("weight_averaging", self.weight_averaging)
        require_flag("early_stopping", self.early_stopping)
        require_fraction("warm_up", self.warm_up)
        require_choice("precision", self.precision, get_args(Precision))
        if self.validate_every is not None:
            require_count("validate_every", self.validate_every)
        if self.early_stopping and self.validate_every == 0:
            raise ValueError(
                "early_stopping waits for validations, and validate_every=0 has none; pass validate_every=100, "
                "say, or leave one of the two out."
            )
        if self.weight_averaging == 1:
            raise ValueError(
                "weight_averaging must lie below 1, got 1; an average that never moves learns nothing."
            )
        if self.early_stopping and self.weight_averaging:
            raise ValueError(
                f"early_stopping and weight_averaging={self.weight_averaging} each say which weights are "
                "evaluated; choose one of them."
            )

    @property
    def radius(self) -> float:
        """The threat's eps, which belongs to the data.

        Raises:
            ValueError: if none was given, and the data's usual one is not known.
        """
        if self.eps is not None:
            return self.eps
        if self.data is None:
            return EPS
        place = self.data.absolute()
        name = self.dataset or (place.stem if place.suffix.lower() == ".npz" else place.name)
        usual = USUAL.get(re.sub(r"[^a-z0-9]", "", name.lower()))
        if usual is None:
            raise ValueError(
                f"eps belongs to a data set, and no usual one is known for {name!r}; pass eps=0.03, say, "
                "in units of pixels in [0, 1]."
            )
        return usual

    def settings(self) -> dict[str, Any]:
        """With the radius that was played."""
        return {**super().settings(), "eps": self.radius}

    @property
    def row(self) -> Method:
        """Its method as the table has it."""
        own = METHODS[self.method]
        return own if self.step_size is None else replace(own, step_size=self.step_size)

    @property
    def steps(self) -> int:
        """K, the attacker's inner steps."""
        return self.row.steps

    @property
    def weights(self) -> Literal["model", "average", "best"]:
        """Which of the run's weights are its outcome: the name of their folder."""
        if self.weight_averaging:
            return "average"
        return "best" if self.early_stopping else "model"
