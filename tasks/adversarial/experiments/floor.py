"""The floor of what training and attacking cost: the same passes in bare PyTorch, as a paper's code has them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minimax_l2l import LinfBall
from tasks.adversarial.threat import Threat


def bare_attack(network: nn.Module, images: Tensor, labels: Tensor, threat: Threat, steps: int) -> Tensor:
    """PGM from a random start with steps of eps / 4 on a network in eval mode whose weights are frozen.

    In an L2 ball a step is scaled into the ball and then clamped to pixels, as is usual; that is not the nearest
    point of both.
    """
    eps = threat.eps
    moved = _cut(images + eps * _direction(2 * torch.rand_like(images) - 1, threat), images, threat)
    for _ in range(steps):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(moved), labels, reduction="sum"), moved)
        moved = _cut(moved.detach() + eps / 4 * _direction(gradient, threat), images, threat)
    return moved


class BareTraining:
    """One step of adversarial training, or of plain training if steps is 0.

    Args:
        network: theta.
        images: from which batches are taken in order.
        labels: of them.
        threat: the ball.
        steps: of PGM.
        batch: images per step.
    """

    def __init__(
        self, network: nn.Module, images: Tensor, labels: Tensor, threat: Threat, *, steps: int, batch: int
    ) -> None:
        self.network, self.images, self.labels = network, images, labels
        self.threat, self.steps, self.batch = threat, steps, batch
        fused = images.is_cuda
        self.optimizer = torch.optim.SGD(
            network.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, fused=fused, foreach=not fused
        )
        self.step = 0

    def __call__(self) -> None:
        """Attack a batch, then descend."""
        at = self.step * self.batch % len(self.images)
        self.step += 1
        images, labels = self.images[at : at + self.batch], self.labels[at : at + self.batch]
        if self.steps:
            self.network.eval().requires_grad_(False)
            images = bare_attack(self.network, images, labels, self.threat, self.steps)
            self.network.requires_grad_(True)
        self.network.train()
        self.optimizer.zero_grad()
        F.cross_entropy(self.network(images), labels).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


def _direction(gradient: Tensor, threat: Threat) -> Tensor:
    if isinstance(threat, LinfBall):
        return gradient.sign()
    return gradient / _length(gradient)


def _cut(moved: Tensor, images: Tensor, threat: Threat) -> Tensor:
    perturbation = moved - images
    if isinstance(threat, LinfBall):
        perturbation = perturbation.clamp(-threat.eps, threat.eps)
    else:
        perturbation = perturbation * (threat.eps / _length(perturbation)).clamp(max=1)
    return (images + perturbation).clamp(0, 1)


def _length(value: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(value, dim=(1, 2, 3), keepdim=True)
    return length.clamp_min(1e-12)
