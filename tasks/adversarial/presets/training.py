"""A preset of adversarial training: one method with all its settings, on embedded images or on your own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.lab import Announce, Built
from tasks.adversarial.models.named import classifier_named
from tasks.adversarial.presets.methods import Attacker, Method, Setting
from tasks.adversarial.presets.settings import TrainingSettings

if TYPE_CHECKING:
    from minimax_l2l import Hook, InnerOptimizer
    from tasks.adversarial.data.parts import ImageData
    from tasks.adversarial.evaluation.autoattack import Tier
    from tasks.adversarial.losses import Loss
    from tasks.adversarial.outer_losses.base import OuterLoss
    from tasks.adversarial.task import AdversarialTraining


RANDOM_IMAGES = 100  # that random search is tried on: 10,000 draws cost as much as 10,000 forward passes


@dataclass(frozen=True, kw_only=True)
class TrainingPreset(TrainingSettings):
    """Adversarial training with a method whose inner steps are its own."""

    @property
    def summary(self) -> str:
        """One line for lists of presets."""
        what = "8 x 8 digits" if self.embedded else f"your images, a {self.classifier}, {self.epochs} epochs,"
        return f"a classifier of {what} trained with {self.row.title}"

    def images(self) -> ImageData:
        """What is trained on: the digits, or what `data` holds.

        Raises:
            ValueError: if it needs data and none are given.
        """
        from tasks.adversarial.data.digits import digits
        from tasks.adversarial.data.reading import read_data

        if self.data is None and not self.embedded:
            raise ValueError("this preset trains on images of your own; name their file or folder with --data.")
        data = read_data(self.data, self.dataset) if self.data is not None else digits()
        if self.train_images is None or self.train_images >= len(data.train):
            return data
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
        _, height, width = data.shape
        if self.crop >= min(height, width):
            raise ValueError(
                f"--crop={self.crop} may leave nothing of images of {height} x {width} pixels; pass --crop=1, say."
            )
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
            warm_up=self.warm_up,
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
        random_draws: int = 0,
    ) -> dict[str, Any]:
        """AutoAttack and everything weaker, on all test images or on so many; random search on the first 100."""
        from tasks.adversarial.presets.runs import evaluate_run

        return evaluate_run(
            self,
            folder,
            device=device,
            batch_size=batch_size,
            announce=announce,
            tier=tier,
            images=images,
            random_draws=random_draws,
            random_images=RANDOM_IMAGES,
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
