"""Networks, images and trainings of every method, to be timed step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from minimax_l2l import InnerOptimizer, L2Ball, LinfBall, Runtime
from minimax_l2l.training.iteration import Iteration
from minimax_l2l.training.runtime import Precision
from tasks.adversarial.data.images import Images
from tasks.adversarial.data.parts import ImageData
from tasks.adversarial.evaluation.cost import step_cost
from tasks.adversarial.experiments.floor import BareTraining
from tasks.adversarial.losses import cross_entropy
from tasks.adversarial.models.resnet18 import PreActResNet18
from tasks.adversarial.models.small_cnn import SmallCNN
from tasks.adversarial.models.wide_resnet import WideResNet
from tasks.adversarial.presets.methods import METHODS, Setting
from tasks.adversarial.task import AdversarialTraining
from tasks.adversarial.threat import Threat

Form = Literal["float32", "bfloat16", "channels-last", "compiled"]
FORMS: tuple[Form, ...] = ("float32", "bfloat16", "channels-last", "compiled")
BALLS: dict[str, Threat] = {"linf": LinfBall(8 / 255), "l2": L2Ball(0.5)}
NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "wrn-10-2": lambda size, classes: WideResNet(10, 2, classes=classes),  # noqa: ARG005
    "preact-resnet-18": lambda size, classes: PreActResNet18(classes=classes),  # noqa: ARG005
    "small-cnn": lambda size, classes: SmallCNN(3, classes, size, size),
}


@dataclass(frozen=True)
class Setup:
    """A network and random images for it.

    Attributes:
        model: the network's name.
        batch: images per step.
        device: where.
        size: height and width of an image.
        classes: how many logits.
        form: in which the network computes.
    """

    model: str
    batch: int
    device: torch.device
    size: int = 32
    classes: int = 10
    form: Form = "float32"

    def network(self) -> nn.Module:
        """The same weights every time."""
        torch.manual_seed(0)
        network = NETWORKS[self.model](self.size, self.classes).to(self.device)
        if self.form == "channels-last":
            return network.to(memory_format=torch.channels_last)
        return torch.compile(network) if self.form == "compiled" else network  # type: ignore[return-value]

    def data(self, batches: int = 4) -> tuple[Tensor, Tensor]:
        """Images without meaning, labels in turn."""
        numbers, count = torch.Generator().manual_seed(0), batches * self.batch
        images = torch.rand(count, 3, self.size, self.size, generator=numbers)
        return images.to(self.device), torch.arange(count, device=self.device) % self.classes

    def game(self, method: str, steps: int | None = None) -> tuple[AdversarialTraining, InnerOptimizer]:
        """A training that is never over, and its inner optimizer."""
        row, eps, images = METHODS[method], BALLS["linf"].eps, Images(*self.data())
        data = ImageData("noise", images, images, images, self.classes, sha256="")
        task = AdversarialTraining(
            self.network(),
            data,
            LinfBall(row.radius * eps),
            outer_loss=row.outer_loss(cross_entropy),
            start=row.start(eps, data),
            remembers=row.remembers,
            replays=row.replays,
            batch_size=self.batch,
            epochs=1_000_000,
        )
        return task, row.make(Setting(eps, row.steps if steps is None else steps, channels=3))

    def bare(self, steps: int) -> BareTraining:
        """The floor."""
        return BareTraining(self.network(), *self.data(), BALLS["linf"], steps=steps, batch=self.batch)


class Stepping:
    """A training step by step, as `solve` takes them."""

    def __init__(self, setup: Setup, method: str, steps: int | None = None) -> None:
        self.task, self.optimizer = setup.game(method, steps)
        precision: Precision = "bf16-mixed" if setup.form == "bfloat16" else "32-true"
        self.iteration = Iteration(self.task, self.optimizer, Runtime(setup.device, precision))
        self.batches, self.taken = iter(self.task.batches()), 0

    def __call__(self) -> None:
        """The next step."""
        self.iteration(next(self.batches))
        self.taken += 1

    def counted(self) -> dict[str, int]:
        """Passes per step."""
        passes = self.iteration.step.meter.passes
        return {name: round(count / self.taken) for name, count in passes.as_row().items()}

    def predicted(self) -> dict[str, int]:
        """What a step costs by arithmetic."""
        cost = step_cost(self.task, self.optimizer)
        return {"flops": cost.flops, "activations": cost.activations}
