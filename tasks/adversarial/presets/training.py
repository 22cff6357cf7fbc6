"""A preset of adversarial training: one method with all its settings, on embedded images or on your own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from minimax_l2l.errors import (
    require_choice,
    require_count,
    require_flag,
    require_fraction,
    require_not_negative,
    require_positive,
)
from minimax_l2l.lab import Announce, Built, Hidden, Preset
from tasks.adversarial.models.named import classifier_named, require_name
from tasks.adversarial.presets.methods import METHODS, Attacker, Method, Setting

if TYPE_CHECKING:
    from minimax_l2l import Hook, InnerOptimizer
    from tasks.adversarial.data.images import ImageData
    from tasks.adversarial.evaluation.autoattack import Tier
    from tasks.adversarial.losses import Loss
    from tasks.adversarial.outer_losses.base import OuterLoss
    from tasks.adversarial.task import AdversarialTraining

# Chosen for the digits on validation images, from hand-designed methods alone; docs/tuning.md shows the trials.
EPS, EPOCHS, WEIGHT_DECAY = 0.15, 80, 2e-3
DATASETS = ("cifar10", "cifar100", "svhn", "mnist", "fashion-mnist")
Schedule = Literal["one-cycle", "multi-step"]
Precision = Literal["32-true", "bf16-mixed"]
# The radii at which results on data of these names are usually stated.
USUAL = {"mnist": 0.3, "fashionmnist": 0.1, "cifar10": 8 / 255, "cifar100": 8 / 255, "svhn": 8 / 255}


@dataclass(frozen=True, kw_only=True)
class TrainingPreset(Preset):
    """Adversarial training with a method whose inner steps are its own.

    Attributes:
        method: a name in `METHODS`.
        embedded: whether it plays on the digits if no data are given.
        data: your own images: a NumPy archive with x_train, y_train, x_test and y_test, or a folder with
            train/CLASS and test/CLASS of pictures; digits if not given.
        dataset: cifar10, cifar100, svhn, mnist or fashion-mnist, if `data` is the folder where torchvision keeps
            it.
        eps: radius of the threat, in units of pixels in [0, 1]. If not given it is the usual one of the data, by
            `dataset` or the name of their file or folder: 0.15 for digits, 0.3 for mnist, 0.1 for fashion_mnist,
            8/255 for cifar10, cifar100 and svhn; other data need one.
        classifier: small-resnet (or small-resnet-16, its width), strided-cnn, small-cnn, resnet-18,
            preact-resnet-18, wrn-34-10 (any depth and width), or module:factory, your own: called with channels and
            classes, it returns a torch.nn.Module from images in [0, 1] to logits.
        train_images: how many training images are used, the first ones; all if not given.
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
                raise ValueError(f"{self.row.title} has no network, so attacker_width must be left out.")
        if self.step_size is not None:
            require_positive("step_size", self.step_size)
        require_positive("learning_rate", self.learning_rate)
        require_choice("schedule", self.schedule, get_args(Schedule))
        require_fraction("momentum", self.momentum)
        require_not_negative("weight_decay", self.weight_decay)
        require_fraction("label_smoothing", self.label_smoothing)
        require_fraction("weight_averaging", self.weight_averaging)
        require_flag("early_stopping", self.early_stopping)
        require_choice("precision", self.precision, get_args(Precision))
        if self.validate_every is not None:
            require_count("validate_every", self.validate_every)
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
        name = self.dataset or self.data.stem
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

    @property
    def summary(self) -> str:
        """One line for lists of presets."""
        what = "8 x 8 digits" if self.embedded else f"your images, a {self.classifier}, {self.epochs} epochs,"
        return f"a classifier of {what} trained with {self.row.title}"

    def images(self) -> ImageData:
        """What is trained on: the digits, or what `data` holds.

        Raises:
            ValueError: if it needs data and none are given, or fewer than `train_images`.
        """
        from tasks.adversarial.data.digits import digits
        from tasks.adversarial.data.reading import read_data

        if self.data is None and not self.embedded:
            raise ValueError("this preset trains on images of your own; name their file or folder with --data.")
        data = read_data(self.data, self.dataset) if self.data is not None else digits()
        if self.train_images is None:
            return data
        if self.train_images > len(data.train):
            raise ValueError(
                f"train_images must be at most {len(data.train)}, which is what {data.name!r} has beside its "
                f"validation images, got {self.train_images}; pass fewer, or leave it out."
            )
        return replace(data, train=data.train.first(self.train_images))

    def attacker_for(self, shape: tuple[int, int, int]) -> InnerOptimizer:
        """Its attacker of images of a shape (channels, height, width)."""
        return self.row.make(Setting(self.radius, self.steps, shape[0], width=self.attacker_width))

    def build(self) -> Built:
        """Classifier, task and attacker.

        Raises:
            TypeError: if the classifier's factory makes no module.
            ValueError: on data that make no sense, or that a light attacker cannot halve; if there is no such
                classifier, or it cannot take the data.
        """
        import torch

        from minimax_l2l import LinfBall
        from tasks.adversarial.data.augmentation import CropAndFlip
        from tasks.adversarial.makers import multi_step
        from tasks.adversarial.task import AdversarialTraining

        data = self.images()
        torch.manual_seed(self.seed)
        task = AdversarialTraining(
            classifier_named(self.classifier, data.shape, data.classes),
            data,
            LinfBall(self.row.radius * self.radius),
            validated_at=LinfBall(self.radius),
            outer_loss=self._outer_loss(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            schedule=multi_step if self.schedule == "multi-step" else None,
            augment=CropAndFlip(self.crop, self.flip) if self.crop or self.flip else None,
            query_mode="train",
            remembers=self.row.remembers,
            start=self.row.start(self.radius, data),
            replays=self.row.replays,
            seed=self.seed,
        )
        return Built(
            task,
            self.attacker_for(data.shape),
            facts={"method": self.method, "data": data.name, "data_sha256": data.sha256},
            validate_every=_affordable(task, self.steps) if self.validate_every is None else self.validate_every,
            precision=self.precision,
            hooks=self._hooks(),
        )

    def _outer_loss(self) -> OuterLoss | Loss | None:
        from tasks.adversarial.losses import cross_entropy, smoothed

        loss = smoothed(self.label_smoothing) if self.label_smoothing else cross_entropy
        return self.row.outer_loss(loss) or (loss if self.label_smoothing else None)

    def _hooks(self) -> list[Hook]:
        from minimax_l2l import BestWeights, WeightAverage

        if self.weight_averaging:
            return [WeightAverage(self.weight_averaging)]
        return [BestWeights("validation_pgm_10")] if self.early_stopping else []

    def evaluate(
        self,
        folder: Path,
        *,
        device: str,
        batch_size: int,
        announce: Announce,
        tier: Tier = "standard",
        images: int | None = None,
    ) -> dict[str, Any]:
        """AutoAttack and everything weaker, on all test images or on so many."""
        from tasks.adversarial.presets.runs import evaluate_run

        return evaluate_run(
            self, folder, device=device, batch_size=batch_size, announce=announce, tier=tier, images=images
        )


def _affordable(task: AdversarialTraining, steps: int) -> int:
    """Steps between ten validations a run, or between fewer, that take a tenth of the training's passes at most."""
    assert task.data.validation is not None
    training = (task.iterations or 0) * task.batch_size * (2 * steps + 3)
    once = len(task.data.validation) * (2 * steps + 1 + 2 * 10 + 1 + 1)
    count = min(max(training // (10 * once), 1), 10)
    return max(-(-(task.iterations or 1) // count), 1)


@dataclass(frozen=True, kw_only=True)
class SteppedPreset(TrainingPreset):
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


@dataclass(frozen=True, kw_only=True)
class LearnedPreset(SteppedPreset):
    """Adversarial training by a learned attacker.

    Attributes:
        attacker: its network: light, or the paper's wide or slim.
    """

    attacker: Attacker = "light"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("attacker", self.attacker, get_args(Attacker))

    def attacker_for(self, shape: tuple[int, int, int]) -> InnerOptimizer:
        """Its attacker of images of a shape (channels, height, width).

        Raises:
            ValueError: if a light or slim one, which works at half resolution, cannot halve them.
        """
        channels, height, width = shape
        if self.attacker != "wide" and (height % 2 or width % 2):
            raise ValueError(
                f"the {self.attacker} attacker halves images, so their height and width must be even, got {height} "
                f"x {width}; pad them by one pixel, or take the wide one."
            )
        return self.row.make(Setting(self.radius, self.steps, channels, self.attacker, self.attacker_width))


def preset_of(method: Method, **settings: Any) -> TrainingPreset:
    """A method's preset.

    Args:
        method: a row of `METHODS`.
        settings: where others than the digits' are its defaults.
    """
    if method.smoothing:
        settings = {"label_smoothing": method.smoothing, **settings}
    if method.learns and not method.fixed_steps:
        return LearnedPreset(method=method.name, **{"inner_steps": method.steps, **settings})
    if method.fixed_steps:
        return TrainingPreset(method=method.name, **settings)
    return SteppedPreset(method=method.name, **{"inner_steps": method.steps, **settings})
