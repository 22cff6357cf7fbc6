"""The inner problem of adversarial training: the worst perturbation of each image of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor, nn

from minimax_l2l import InnerProblem, Iterate, QueryMode, Tree, leaves, uniform
from minimax_l2l.errors import require_a, require_choice, require_count, require_seed
from tasks.adversarial.data.augmentation import Placement
from tasks.adversarial.losses import Loss, cross_entropy, require_loss
from tasks.adversarial.starts.base import Start
from tasks.adversarial.threat import (
    Threat,
    farthest_apart,
    perturbations,
    require_ball,
    require_lengths_in_pixels,
    require_threat,
)

# Steps between the random numbers of two starts of one attack: more than a run has.
DRAWS_APART = 2**32
NO_GRADIENT = (
    "the classifier's logits have no gradient with respect to the image, so it can be neither attacked nor trained "
    "by gradients; leave out no_grad, inference_mode, detach and NumPy in its forward, and put the identity in the "
    "place of a step that has no gradient in the backward pass."
)


class PerturbationProblem(InnerProblem):
    """max over d_i in B(eps) of loss(classifier(image_i + d_i), label_i), image_i + d_i in [0, 1].

    Args:
        classifier: theta.
        images: shape (n, channels, height, width), in [0, 1].
        labels: shape (n,).
        threat: the ball B(eps).
        loss: one value per image; cross-entropy unless told.
        query_mode: see `InnerProblem`.
        indices: the images' own numbers, to which random starts belong; their places in the batch if None.
        seed: of random starts.
        step: of random starts, so that an image gets a new one each time it is met.
        start: where the attack starts, and what is kept for later ones, such as a `PerturbationMemory`. None starts
            at the clean images and keeps nothing.
        placement: how the images were cropped and flipped, so that what is remembered follows them. None if they
            were not.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: on another shape. That pixels lie in [0, 1] is not looked at: on a GPU it would have to wait.
    """

    def __init__(
        self,
        classifier: nn.Module,
        images: Tensor,
        labels: Tensor,
        threat: Threat,
        *,
        loss: Loss = cross_entropy,
        query_mode: QueryMode = "eval",
        indices: Tensor | None = None,
        seed: int = 0,
        step: int = 0,
        start: Start | None = None,
        placement: Placement | None = None,
    ) -> None:
        self.module = require_a("classifier", classifier, nn.Module, "a torch.nn.Module", "wrap functions in one")
        self.images = _require_tensor("images", images, 4, whole=False)
        self.labels = _require_tensor("labels", labels, 1, whole=True, count=len(images))
        self.loss = require_loss(loss)
        self.threat = require_ball(threat)
        if self.threat.eps != farthest_apart(
            self.threat, images.shape[1:]
        ):  # that one may ask what nobody withstands
            require_threat(threat, images.shape[1:])
        self.constraint = perturbations(images, self.threat)
        require_choice("query_mode", query_mode, get_args(QueryMode))
        self.query_mode = query_mode
        places = torch.arange(len(images), device=images.device) if indices is None else indices
        self.indices = _require_tensor("indices", places, 1, whole=True, count=len(images))
        self.seed, self.step = require_seed("seed", seed), require_count("step", step)
        if start is not None:
            require_a("start", start, Start, "a Start, such as a PerturbationMemory", "leave it out for none")
        if placement is not None:
            require_a("placement", placement, Placement, "a Placement", "leave it out for none")
        self.start, self.placement = start, placement
        self.keeps_gradient = start is not None and start.keeps_gradient
        self.lives_on = start is not None and type(start).remember is not Start.remember
        self._first: Tensor | None = None
        self._slope: Tensor | None = None

    def initial(self) -> Tensor:
        """Zero, the clean images; or where `start` says."""
        return torch.zeros_like(self.images) if self.start is None else self.start.initial(self)

    def require_lengths(self, lengths: Mapping[str, float]) -> None:
        """Refuse steps in levels from 0 to 255."""
        require_lengths_in_pixels(lengths, self.threat, self.images.shape[1:])

    def started(self, y: Tree) -> None:
        """Keep y_0, for losses that ask for it."""
        self._first, self._slope = leaves(y)[0], None

    def answered(self, y: Tree, gradient: Tree) -> None:  # noqa: ARG002
        """Keep the first gradient of an attack, for a start that remembers."""
        if self.lives_on and self._slope is None:
            self._slope = leaves(gradient)[0].detach()

    @property
    def first(self) -> Tensor:
        """y_0, where the latest attack on this batch started; before the first, where it would without noise."""
        return self._first if self._first is not None else leaves(self.constraint.project(self.initial()))[0]

    @property
    def first_gradient(self) -> Tensor | None:
        """The first gradient that the latest attack was given, at y_0 as a rule; None if it asked for none.

        It is kept only for a `start` that remembers something.
        """
        return self._slope

    def remember(self, end: Iterate, gradient: Tree | None) -> None:
        """Let the start keep what later ones need, if there is one."""
        if self.start is not None:
            self.start.remember(self, end, gradient)

    def objective(self, y: Tree) -> Tensor:
        """Loss of each perturbed image, shape (n,)."""
        assert self.module is not None
        logits = self.module(self.view(y))
        self._require_gradient(y, logits)
        values: Tensor = self.loss(logits, self.labels)
        if values.shape != self.labels.shape:
            raise ValueError(
                f"the loss must return one value per image, shape {tuple(self.labels.shape)}, got "
                f'{tuple(values.shape)}; reduce over classes and not over images (reduction="none").'
            )
        return values

    def _require_gradient(self, y: Tree, logits: Tensor) -> None:
        """Refuse logits that cannot tell how they depend on what is asked for."""
        assert self.module is not None
        if not torch.is_grad_enabled() or not isinstance(logits, Tensor) or logits.requires_grad:
            return
        if leaves(y)[0].requires_grad or any(weight.requires_grad for weight in self.module.parameters()):
            raise ValueError(NO_GRADIENT)

    def view(self, y: Tree) -> Tensor:
        """The perturbed images, which is what an attacker sees."""
        return self.images + leaves(y)[0]

    def noise(self, y: Tree, draw: int = 0) -> Tree:
        """Uniform numbers that belong to the images, whatever batch or device they are in."""
        return uniform(leaves(y)[0], self.indices, seed=self.seed, step=self.step + draw * DRAWS_APART)


def _require_tensor(name: str, tensor: Tensor, dimensions: int, *, whole: bool, count: int | None = None) -> Tensor:
    kind = "whole numbers" if whole else "floating point"
    require_a(name, tensor, Tensor, f"a tensor of {kind}", "turn arrays into one with torch.as_tensor")
    if tensor.is_meta:
        raise ValueError(f"{name} are on the meta device, where they hold no values; make them on another.")
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise ValueError(f"{name} were made within torch.inference_mode(), so no gradient passes; clone them.")
    fits = (
        not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)
        if whole
        else (tensor.is_floating_point())
    )
    if not fits or tensor.dim() != dimensions or (count is not None and len(tensor) != count):
        shape = "(n, channels, height, width)" if count is None else f"({count},)"
        raise ValueError(
            f"{name} must be {kind} of shape {shape}, got {tensor.dtype} of shape {tuple(tensor.shape)}; "
            "Attack takes images of any kind."
        )
    return tensor
