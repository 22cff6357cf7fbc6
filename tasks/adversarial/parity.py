"""Adversarial training as the paper's authors published it: their code's settings, where their text says less."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple, get_args

from torch import nn

from minimax_l2l import CNNUpdater, GradientFeatures, IterateFeatures, LearnedOptimizer, LinfBall
from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.training.iteration import Play
from tasks.adversarial.batches import Augment
from tasks.adversarial.data.augmentation import CropAndFlip
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.data.sources import Source
from tasks.adversarial.makers import multi_step
from tasks.adversarial.task import AdversarialTraining
from tasks.adversarial.threat import Threat

Attacker = Literal["naive", "grad", "two-step"]
DROPS = (29, 59, 89)  # epochs after which the learning rate falls: their code counts from 1 and asks for >= 30
CROP_AND_FLIP = CropAndFlip()


class Published(NamedTuple):
    """A game, to be solved by `task.solve(optimizer, play=play)`.

    Attributes:
        task: how theta is trained.
        optimizer: the attacker.
        play: theta first, then phi, everything computed again at the new theta.
    """

    task: AdversarialTraining
    optimizer: LearnedOptimizer
    play: Play


def published_attacker(attacker: Attacker = "two-step", *, channels: int = 3, width: int = 64) -> LearnedOptimizer:
    """The attacker of the authors' code, with Adam at 1e-3 and weight decay 2e-4.

    Args:
        attacker: `"naive"` sees the image; `"grad"` the image and the loss's gradient, divided by the largest entry
            of the whole batch; `"two-step"` the same, twice.
        channels: colours of the images.
        width: of its first convolution.

    Raises:
        ValueError: if there is no such attacker.
    """
    require_choice("attacker", attacker, get_args(Attacker))
    sees = IterateFeatures() if attacker == "naive" else GradientFeatures("batch-max")
    return LearnedOptimizer(
        CNNUpdater.published(channels, sees.channels, width),
        steps=2 if attacker == "two-step" else 1,
        features=sees,
        lazy=True,
        learning_rate=1e-3,
        weight_decay=2e-4,
    )


def published(
    classifier: nn.Module,
    data: ImageData | Source,
    threat: Threat | None = None,
    *,
    attacker: Attacker = "two-step",
    width: int = 64,
    epochs: int = 76,
    batch_size: int = 128,
    augment: Augment | None = CROP_AND_FLIP,
    seed: int = 0,
) -> Published:
    """A game whose every step is that of the authors' code.

        game = published(WideResNet(34, 10), public_data("cifar10", folder), attacker="two-step")
        game.task.solve(game.optimizer, play=game.play)

    Theta moves with the classifier in train mode and the attacker in eval mode; queries move running statistics
    too. Then phi moves with the modes exchanged. Theta's SGD has momentum 0.9 and weight decay 2e-4. Its learning
    rate is 0.1; it falls to a tenth with the 30th epoch, and again with the 60th and the 90th.

    Args:
        classifier: theta; the paper's is `WideResNet(34, 10)`.
        data: see `AdversarialTraining`.
        threat: `LinfBall(0.031)` unless told.
        attacker: see `published_attacker`.
        width: of its first convolution.
        epochs: 76 in the code, 100 in the paper.
        batch_size: images per batch.
        augment: crops of images padded by 4 pixels, and flips; None leaves images as they are.
        seed: of the order of images and of the augmentation.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: as `AdversarialTraining` does, or if there is no such attacker.

    Source: https://github.com/YuyangShi/Learning-to-Defend-by-Learning-to-Attack, commit 42c8798.
    """
    drops = tuple(drop / epochs for drop in DROPS if drop < require_count("epochs", epochs))
    task = AdversarialTraining(
        classifier,
        data,
        LinfBall(0.031) if threat is None else threat,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=2e-4,
        schedule=partial(multi_step, at=drops),
        augment=augment,
        query_mode="tracked",
        seed=seed,
    )
    optimizer = published_attacker(attacker, channels=task.data.example.shape[0], width=width)
    return Published(task, optimizer, "alternating")
