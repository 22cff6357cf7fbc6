"""Adversarial training: min over the classifier of the mean worst loss in a ball around each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from minimax_l2l import PGM, InnerOptimizer, L2Ball, LinfBall, QueryMode, Task, resting
from minimax_l2l.errors import require_choice, require_count, require_positive
from minimax_l2l.training.processes import processes
from tasks.adversarial.batches import Batch, Batches
from tasks.adversarial.data.images import ImageData
from tasks.adversarial.losses import cross_entropy
from tasks.adversarial.memory import PerturbationMemory
from tasks.adversarial.problem import PerturbationProblem
from tasks.adversarial.threat import Threat


class AdversarialTraining(Task):
    """min over theta of mean_i max over d_i in B(eps) of loss(f(x_i + d_i; theta), y_i).

    `task.solve(PGM(steps=10, ...))` is the paper's Algorithm 1, `task.solve(LearnedOptimizer(CNNUpdater...))` its
    Algorithm 2, `task.solve(GradientAscent(steps=0))` plain training.

    Args:
        classifier: theta; takes images in [0, 1] and returns logits, so it normalises inside if at all.
        data: images to train and validate on.
        threat: `LinfBall(eps)` or `L2Ball(eps)`, in units of pixels in [0, 1].
        epochs: passes over the training images; the last incomplete batch of each is dropped.
        batch_size: images per batch, of all processes together.
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

    def batches(self) -> Sequence[Batch]:
        """Every epoch in an order of its own; no batch is made before it is asked for."""
        if self.memory is not None and self.batch_size % processes():
            raise ValueError(
                f"batches of {self.batch_size} cannot be shared evenly by {processes()} processes, which remember "
                "perturbations together; choose a batch size that they divide."
            )
        return Batches(self.data.train, self.batch_size, epochs=self.epochs, seed=self.seed)

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
        """SGD with momentum and weight decay; on CUDA it reads the flag of a failed step itself."""
        fused = self.device.type == "cuda"
        return torch.optim.SGD(
            self.classifier.parameters(),
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            fused=fused,
            foreach=not fused,
        )

    def outer_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """One cycle: up for a quarter of the run, then down to nothing; the momentum stays what it is."""
        total = max((self.iterations or 0) + 1, 8)  # the schedule divides by a quarter of it, less one
        return OneCycleLR(optimizer, self.learning_rate, total_steps=total, pct_start=0.25, cycle_momentum=False)

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
            own = self.classifier(problem.view(optimizer.maximize(problem).y))
            worst = self.classifier(problem.view(rival.maximize(problem).y))
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
