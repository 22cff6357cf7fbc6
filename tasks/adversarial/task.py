"""Adversarial training: min over the classifier of the mean worst loss in a ball around each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from minimax_l2l import PGM, InnerOptimizer, L2Ball, LinfBall, Task
from minimax_l2l.errors import require_choice, require_count, require_positive
from minimax_l2l.modes import QueryMode
from tasks.adversarial.data.images import ImageData
from tasks.adversarial.losses import cross_entropy
from tasks.adversarial.memory import PerturbationMemory
from tasks.adversarial.problem import PerturbationProblem
from tasks.adversarial.resting import resting
from tasks.adversarial.threat import Threat


class Batch(NamedTuple):
    """Some training images, their labels, their numbers in the data set, and the run's step."""

    images: Tensor
    labels: Tensor
    indices: Tensor
    step: int


class AdversarialTraining(Task):
    """min over theta of mean_i max over d_i in B(eps) of loss(f(x_i + d_i; theta), y_i).

    `task.solve(PGM(steps=10, ...))` is the paper's Algorithm 1, `task.solve(LearnedOptimizer(CNNUpdater...))` its
    Algorithm 2, `task.solve(GradientAscent(steps=0))` plain training.

    Args:
        classifier: theta; takes images in [0, 1] and returns logits, so it normalises inside if at all.
        data: images to train and validate on.
        threat: `LinfBall(eps)` or `L2Ball(eps)`, in units of pixels in [0, 1].
        epochs: passes over the training images; the last incomplete batch of each is dropped.
        batch_size: images a batch.
        learning_rate: highest of SGD's one-cycle schedule.
        momentum: of SGD.
        weight_decay: of SGD.
        query_mode: whether gradient queries run the classifier in `"eval"` mode or, as the outer pass does, with
            the batch's own statistics.
        remembers: start each attack where the last one on the same image ended; see `PerturbationMemory`.
        seed: of the order of images and of random starts.

    Raises:
        ValueError: on options that make no sense, or if the classifier has fewer logits than the data classes.
    """

    def __init__(
        self,
        classifier: nn.Module,
        data: ImageData,
        threat: Threat,
        *,
        epochs: int = 40,
        batch_size: int = 64,
        learning_rate: float = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        query_mode: QueryMode = "eval",
        remembers: bool = False,
        seed: int = 0,
    ) -> None:
        if not isinstance(threat, LinfBall | L2Ball):
            raise TypeError(f"threat must be LinfBall(eps) or L2Ball(eps), got {type(threat).__name__} {threat!r}.")
        require_choice("query_mode", query_mode, ("eval", "train"))
        _require_logits(classifier, data)
        self.outer = self.classifier = classifier
        self.data, self.threat = data, threat
        self.epochs = require_count("epochs", epochs)
        self.batch_size = min(require_count("batch_size", batch_size, least=1), len(data.train))
        self.learning_rate = require_positive("learning_rate", learning_rate)
        self.momentum, self.weight_decay = momentum, weight_decay
        self.query_mode: QueryMode = query_mode
        self.memory = PerturbationMemory(len(data.train), data.shape, threat.eps) if remembers else None
        self.seed = seed
        self.iterations = epochs * (len(data.train) // self.batch_size)

    def batches(self) -> Iterator[Batch]:
        """Every epoch in an order of its own, which depends on the seed and the epoch alone."""
        step = 0
        for epoch in range(self.epochs):
            generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
            order = torch.randperm(len(self.data.train), generator=generator)
            for indices in torch.split(order, self.batch_size):
                if len(indices) == self.batch_size:
                    part = self.data.train
                    yield Batch(part.images[indices], part.labels[indices], indices, step)
                    step += 1

    def inner_problem(self, batch: Batch) -> PerturbationProblem:
        """The worst perturbations of a batch at the present theta."""
        return PerturbationProblem(
            self.classifier,
            batch.images,
            batch.labels,
            self.threat,
            query_mode=self.query_mode,
            indices=batch.indices,
            seed=self.seed,
            step=batch.step,
            memory=self.memory,
        )

    def outer_optimizer(self) -> torch.optim.Optimizer:
        """SGD with momentum and weight decay."""
        return torch.optim.SGD(
            self.classifier.parameters(),
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """One cycle: up for a quarter of the run, then down to nothing."""
        total = max((self.iterations or 0) + 1, 8)  # the schedule divides by a quarter of it, less one
        return OneCycleLR(optimizer, self.learning_rate, total_steps=total, pct_start=0.25)

    def state_dict(self) -> dict[str, Any]:
        """The remembered perturbations, if there are any."""
        return self.memory.state_dict() if self.memory is not None else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        if self.memory is not None:
            self.memory.load_state_dict(state)

    def validate(self, optimizer: InnerOptimizer) -> Mapping[str, float]:
        """Accuracy on validation images, and how the attacker compares with PGM-10 on them.

        Returns:
            `validation_clean` and `validation_pgm_10`, accuracies; `attack_ratio`, the mean loss under `optimizer`
            over the mean loss under PGM-10: an attacker far below 1 has stopped attacking.
        """
        images = self.data.validation.images.to(self.device)
        labels = self.data.validation.labels.to(self.device)
        problem = PerturbationProblem(self.classifier, images, labels, self.threat, seed=self.seed)
        rival = PGM(steps=10, step_size=self.threat.eps / 4)
        with resting(self.classifier, optimizer), torch.no_grad():
            clean = self.classifier(images)
            own = self.classifier(problem.view(optimizer.maximize(problem)))
            worst = self.classifier(problem.view(rival.maximize(problem)))
        return {
            "validation_clean": (clean.argmax(1) == labels).float().mean().item(),
            "validation_pgm_10": (worst.argmax(1) == labels).float().mean().item(),
            "attack_ratio": (cross_entropy(own, labels).mean() / cross_entropy(worst, labels).mean()).item(),
        }


def _require_logits(classifier: nn.Module, data: ImageData) -> None:
    """Refuse a classifier that has no logit for some class of the data."""
    place = next((parameter.device for parameter in classifier.parameters()), None)
    with resting(classifier), torch.no_grad():
        logits = classifier(torch.zeros(1, *data.shape, dtype=data.train.images.dtype, device=place))
    if logits.dim() != 2 or logits.shape[1] < data.classes:
        raise ValueError(
            f"the data {data.name!r} have {data.classes} classes, the classifier turns an image into logits of "
            f"shape {tuple(logits.shape)}; give it one logit for each class, shape (n, {data.classes})."
        )
