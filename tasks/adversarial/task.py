"""Adversarial training: min over the classifier of the mean worst loss in a ball around each image."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import isnan
from typing import Any, get_args

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from minimax_l2l import InnerOptimizer, InnerProblem, Losses, QueryMode, Task, Tree
from minimax_l2l.errors import (
    require_a,
    require_choice,
    require_count,
    require_flag,
    require_fraction,
    require_not_negative,
    require_positive,
    require_seed,
)
from minimax_l2l.training.processes import processes
from tasks.adversarial.alarm import Alarm
from tasks.adversarial.batches import Augment, Batch, Batches, LoadedBatches, try_augment
from tasks.adversarial.classifier import as_taken_by, require_classifier
from tasks.adversarial.data.augmentation import CropAndFlip
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData, warn_of_empty_classes
from tasks.adversarial.data.sources import Source
from tasks.adversarial.data.training import TrainingData
from tasks.adversarial.losses import Loss, cross_entropy, require_untargeted
from tasks.adversarial.makers import (
    MakesOptimizer,
    MakesSchedule,
    made_optimizer,
    made_schedule,
    one_cycle,
    require_makers,
    sgd,
)
from tasks.adversarial.outer_losses.base import OnAttacked, OuterLoss, as_outer_loss
from tasks.adversarial.outer_losses.logits import Logits
from tasks.adversarial.problem import PerturbationProblem
from tasks.adversarial.starts.base import Start, require_followed
from tasks.adversarial.starts.memory import PerturbationMemory
from tasks.adversarial.threat import Threat, grown, require_ball, require_threat
from tasks.adversarial.validation import Validation

BATCH_SIZE = 64
WIDEST = 10.0  # times the radius of validations: so far training may reach, beyond the range of pixels as well
JUDGED = 50  # steps of a run whose last validation alone may say that it went wrong


class AdversarialTraining(Task):
    """min over theta of mean_i max over d_i in B(eps) of loss(f(x_i + d_i; theta), y_i).

    `task.solve(PGM(steps=10, ...))` is the paper's Algorithm 1, `task.solve(LearnedOptimizer(CNNUpdater...))` its
    Algorithm 2, `task.solve(GradientAscent(steps=0))` plain training.

    Args:
        classifier: theta. It takes images in [0, 1] and returns logits; if it normalises, it does so inside.
        data: images to train on. `ImageData` brings some to validate on. A pair (images, labels) or a torch Dataset
            is read into memory once, bytes as bytes, and goes to the run's device once. A DataLoader is asked for
            its batches in every epoch.
        threat: `LinfBall(eps)` or `L2Ball(eps)`, in units of pixels in [0, 1].
        validation: images to validate on, if `data` brings none, every `validate_every` steps of `solve`.
        validated_at: the threat of validations, if a wider one is trained against, as in N-FGSM; None is `threat`.
        validation_images: how many of them each validation looks at, the same ones every time; None is all.
        loss: what the attacker ascends, one value per image: loss(logits, labels). Theta descends its mean.
        outer_loss: what theta descends instead: `Trades()`, `Mart()`, `LogitPairing(10)`, or a function such as
            `smoothed(0.1)`, whose mean on perturbed images it is then. TRADES also says what the attacker ascends.
        epochs: passes over the training images; the last incomplete batch of each epoch is dropped.
        batch_size: images per batch, of all processes together. None is 64, or what a DataLoader has. Where there
            are fewer images in memory, all of them are one batch, and an epoch is one step.
        learning_rate: the highest in SGD's one-cycle schedule.
        momentum: of SGD.
        weight_decay: of SGD.
        optimizer: theta's, instead of SGD: a torch optimizer of the classifier's parameters, or a function that
            makes one from them, such as `partial(torch.optim.AdamW, lr=1e-3)`.
        schedule: a function of that optimizer and the run's number of steps that returns a schedule of the learning
            rate, moved once per step; None is one cycle for SGD, and no schedule for another optimizer.
        augment: `CropAndFlip()`, or a function that changes each batch of training images at random, such as a
            transform of torchvision's v2; it keeps their shape, dtype and device, and [0, 1].
        query_mode: `"eval"`, or `"train"` to run gradient queries with the batch's own statistics, as the outer
            pass does; `"tracked"` lets them move the running statistics as well, see `InnerProblem`.
        remembers: start each attack where the last one on the same image ended; see `PerturbationMemory`. It needs
            images in memory, and `CropAndFlip` as the augment if there is one.
        start: where attacks start instead, such as `UniformStart(radius)`; None is at the clean images.
        replays: how many steps in a row are taken on each batch. A run has as many steps as with one, so it passes
            over the images epochs / replays times; with `CarriedStart` that is Free training.
        warm_up: part of the run in which the threat's radius grows linearly from nothing to its own; 0 for none. In
            a large radius a network without normalisation may never begin to learn: attacks are too strong before
            there is anything to attack. Step sizes and validations stay as they are.
        seed: of the order of images and of random starts.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: on options that make no sense, or if the classifier cannot take the images, or has fewer logits
            than the data classes.
    """

    validates = ("validation_clean", "validation_pgm_10", "attack_ratio")

    def __init__(
        self,
        classifier: nn.Module,
        data: ImageData | Source,
        threat: Threat,
        *,
        validation: Source | None = None,
        validated_at: Threat | None = None,
        validation_images: int | None = 500,
        loss: Loss = cross_entropy,
        outer_loss: OuterLoss | Loss | None = None,
        epochs: int = 40,
        batch_size: int | None = None,
        learning_rate: float = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        optimizer: torch.optim.Optimizer | MakesOptimizer | None = None,
        schedule: MakesSchedule | None = None,
        augment: Augment | None = None,
        query_mode: QueryMode = "eval",
        remembers: bool = False,
        start: Start | None = None,
        replays: int = 1,
        warm_up: float = 0.0,
        seed: int = 0,
    ) -> None:
        require_choice("query_mode", query_mode, get_args(QueryMode))
        require_untargeted(loss)
        remembers = require_flag("remembers", remembers)
        if validation_images is not None:
            validation_images = require_count("validation_images", validation_images, least=1)
        self.data = TrainingData.of(data, validation, at_most=validation_images)
        self.validation, self.validation_images = self.data.validation, validation_images
        shape = self.data.example.shape
        at, name = (threat, "threat") if validated_at is None else (validated_at, "validated_at")
        self.validated_at = require_threat(at, shape, name)
        self.threat = require_ball(threat)
        if self.threat.eps > WIDEST * self.validated_at.eps:
            require_threat(threat, shape)
        self.classes = require_classifier(
            classifier, self.data.example, classes=self.data.classes, loss=loss, may_be_meta=True
        )
        if self.data.classes is not None:
            warn_of_empty_classes(self.data.example.labels, self.data.classes)
        self.outer = self.classifier = classifier
        self.loss, self.augment = loss, augment
        self.outer_loss = self._outer_loss(outer_loss) if outer_loss is not None else None
        self.epochs = require_count("epochs", epochs)
        self.batch_size = self._size_of_batches(batch_size)
        self.learning_rate = require_positive("learning_rate", learning_rate)
        self.momentum = require_fraction("momentum", momentum)
        self.weight_decay = require_not_negative("weight_decay", weight_decay)
        self._optimizer, self._schedule = require_makers(optimizer, schedule, classifier)
        self.query_mode: QueryMode = query_mode
        self.remembers, self.start = remembers, self._memory() if remembers else start
        if start is not None:
            require_a("start", start, Start, "a Start", "pass one such as UniformStart(0.1), or leave it out")
            if remembers:
                raise ValueError("remembers=True is a start of its own; leave out remembers or start.")
            start.require_images(self.data.train, augment)
        if augment is not None:
            try_augment(augment, self.data.example.first(8).pixels())
        self.replays = require_count("replays", replays, least=1)
        if replays > 1 and isinstance(self.data.train, Images) and not isinstance(augment, CropAndFlip | None):
            raise ValueError(
                f"replays={replays} play the same batch again, which a function as augment would change each time; "
                "pass CropAndFlip(), or a DataLoader whose transform it is."
            )
        self.warm_up = require_fraction("warm_up", warm_up)
        self.seed = require_seed("seed", seed)
        self.alarm, self._over = Alarm(), False
        per_epoch = self.data.batches_per_epoch(self.batch_size)
        self.iterations = epochs * per_epoch if per_epoch is not None else None
        self._require_length(schedule)

    def batches(self) -> Batches | LoadedBatches:
        """Every epoch in an order of its own; no batch is made before it is asked for."""
        if self.start is not None:
            self.start.require_shares(self.batch_size, processes())
        train, epochs, seed, augment, replays = self.data.train, self.epochs, self.seed, self.augment, self.replays
        if isinstance(train, Images):
            there, size = train.to(self.device), self.batch_size
            return Batches(there, size, epochs=epochs, seed=seed, augment=augment, replays=replays)
        tried = partial(require_classifier, self.classifier)
        return LoadedBatches(train, tried, epochs=epochs, seed=seed, augment=augment, replays=replays)

    def inner_problem(self, batch: Batch) -> PerturbationProblem:
        """The worst perturbations of a batch at the present theta."""
        self._over = batch.step + 1 == self.iterations and self.iterations >= JUDGED
        images, own = as_taken_by(self.classifier, batch.images), None
        if self.outer_loss is not None:
            own = self._outer_loss_at(batch.step).ascended(self.classifier, images)
        return PerturbationProblem(
            self.classifier,
            images,
            batch.labels,
            self._threat_at(batch.step),
            loss=own if own is not None else self.loss,
            query_mode=self.query_mode,
            indices=batch.indices,
            seed=self.seed,
            step=batch.step,
            start=self.start,
            placement=batch.placement,
        )

    def losses(self, problem: InnerProblem, y: Tree) -> Losses:
        """The mean loss for both players, or the outer loss's numbers."""
        if self.outer_loss is None:
            return super().losses(problem, y)
        assert isinstance(problem, PerturbationProblem)
        return self._outer_loss_at(problem.step).losses(Logits(problem, y))

    def _threat_at(self, step: int) -> Threat:
        if not self.warm_up:
            return self.threat
        assert self.iterations is not None
        return grown(self.threat, (step + 1) / (self.warm_up * self.iterations))

    def _outer_loss_at(self, step: int) -> OuterLoss:
        assert self.outer_loss is not None
        if self.iterations is None:
            return self.outer_loss
        return self.outer_loss.at(step, self.iterations)

    def outer_optimizer(self) -> torch.optim.Optimizer:
        """The one that was asked for, or SGD with momentum and weight decay, which heeds a failed step on CUDA."""
        if isinstance(self._optimizer, torch.optim.Optimizer):
            return self._optimizer
        if self._optimizer is not None:
            return made_optimizer(self._optimizer, self.classifier)
        return sgd(self.classifier, self.learning_rate, self.momentum, self.weight_decay, self.device)

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler | None:
        """The one that was asked for, or one cycle for SGD: up for a quarter of the run, then down to nothing."""
        if self._schedule is not None:
            return made_schedule(self._schedule, optimizer, self.iterations)
        if self._optimizer is not None or self.iterations is None:
            return None
        return one_cycle(optimizer, self.learning_rate, self.iterations)

    def state_dict(self) -> dict[str, Any]:
        """What the start keeps, if there is one, and what validations have said."""
        start = self.start.state_dict() if self.start is not None else {}
        return {"start": start, "alarm": self.alarm.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        if self.start is not None:
            self.start.load_state_dict(state["start"])
        self.alarm.load_state_dict(state["alarm"])

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:
        """Accuracy on validation images, and how the attacker compares with PGM-10 on them, under `validated_at`.

        Returns:
            `validation_clean` and `validation_pgm_10`, accuracies; `attack_ratio`, the mean loss under `optimizer`
            over the mean loss under PGM-10: an attacker far below 1 has stopped attacking. It is NaN if one of
            the losses is not finite.

        Raises:
            ValueError: if there are no validation images.

        Warns:
            UserWarning: of a classifier that learns nothing, of catastrophic overfitting, of an attacker that has
                stopped attacking, and of a loss that is NaN or infinite; see `Alarm`.
        """
        if self.validation is None:
            raise ValueError(
                "validate_every asks for a validation, but there are no images for it; pass validation=images, or "
                "validate_every=0."
            )
        images = self.validation.to(self.device)
        found = Validation.of(self.classifier, optimizer, images, self.validated_at, self.loss, self.seed)
        own, pgm, last, self._over = found.own.accuracy, found.pgm.accuracy, self._over, False
        self.alarm.see_clean(found.clean.accuracy, images.most_frequent, found.harm, last=last)
        if isnan(found.attack_ratio):
            self.alarm.lose()
        if optimizer.steps:
            self.alarm.see(own, pgm, found.attack_ratio, learns=optimizer.learns, last=last)
        return {
            "validation_clean": found.clean.accuracy,
            "validation_pgm_10": pgm,
            "attack_ratio": found.attack_ratio,
        }

    def _size_of_batches(self, asked: int | None) -> int:
        if asked is not None:
            require_count("batch_size", asked, least=1)
        own = len(self.data.example)
        if isinstance(self.data.train, Images):
            return min(BATCH_SIZE if asked is None else asked, own)
        if asked not in (None, own, self.data.train.batch_size):
            raise ValueError(
                f"batch_size={asked} would not be heeded, for the DataLoader has batches of {own} images; leave it "
                "out, or pass the data set itself."
            )
        return own

    def _require_length(self, schedule: MakesSchedule | None) -> None:
        """Refuse what depends on the number of steps, where that is not known."""
        if self.iterations is not None:
            return
        grows = self.outer_loss is not None and self.outer_loss.at(0, 2) is not self.outer_loss
        for what, needs, instead in (
            ("schedule is made for", schedule is not None, "leave schedule out"),
            (f"{type(self.outer_loss).__name__} grows over", grows, "pass another outer_loss"),
            ("warm_up is a part of", self.warm_up > 0, "leave warm_up out"),
        ):
            if needs:
                raise ValueError(
                    f"{what} a number of steps, which the DataLoader does not know; give its data set a length, or "
                    f"{instead}."
                )

    def _outer_loss(self, given: OuterLoss | Loss) -> OuterLoss:
        """As an object; a function is tried first."""
        outer_loss = as_outer_loss("outer_loss", given)
        if isinstance(outer_loss, OnAttacked):
            try:
                require_classifier(self.classifier, self.data.example, loss=outer_loss.loss, may_be_meta=True)
            except (TypeError, ValueError) as error:
                raise type(error)(f"outer_loss was tried as a loss: {error}") from error
        return outer_loss

    def _memory(self) -> PerturbationMemory:
        images = require_followed(self.data.train, self.augment)
        return PerturbationMemory(len(images), images.shape, self.threat.eps)
