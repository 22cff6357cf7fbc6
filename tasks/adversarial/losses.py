"""Losses of logits and labels, one value per image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from minimax_l2l.errors import require_a, require_fraction, told
from minimax_l2l.gradients import require_real, require_recording

Loss = Callable[[Tensor, Tensor], Tensor]  # of logits (n, classes) and labels (n,), one value per image


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(logits)_label, shape (n,)."""
    _require_pair(logits, labels)
    return F.cross_entropy(logits, labels, reduction="none")


def smoothed(smoothing: float) -> Loss:
    """Cross-entropy against labels that are not quite sure: the truth has probability 1 - s + s / classes.

    The other classes have s / classes each. It is usually for theta alone, `outer_loss=smoothed(0.1)`, while the
    attacker ascends plain cross-entropy.

    Source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016.

    Args:
        smoothing: s in [0, 1].

    Returns:
        A loss of logits and labels.

    Raises:
        TypeError: if it is no number.
        ValueError: if it lies outside.
    """
    return partial(_smoothed_cross_entropy, smoothing=require_fraction("smoothing", smoothing))


def _smoothed_cross_entropy(logits: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    _require_pair(logits, labels)
    return F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """max_{j != label} logits_j - logits_label, shape (n,): positive where the image is misclassified.

    The loss of Carlini and Wagner, Towards Evaluating the Robustness of Neural Networks, 2017, uncapped.
    """
    _require_pair(logits, labels)
    truth = labels[:, None]
    others = logits.scatter(1, truth, -torch.inf)
    return others.amax(1) - logits.gather(1, truth)[:, 0]


def towards(logits: Tensor, targets: Tensor) -> Tensor:
    """Log softmax(logits)_target, shape (n,): an attack on it wants images to be taken for their targets."""
    return -cross_entropy(logits, targets)


def _require_pair(logits: Tensor, labels: Tensor) -> None:
    """Whether labels lie within the classes is not looked at: on a GPU it would have to wait."""
    for name, tensor in {"logits": logits, "labels": labels}.items():
        require_a(name, tensor, Tensor, "a tensor", "turn an array into one with torch.as_tensor")
    if logits.dim() != 2 or not logits.is_floating_point() or logits.shape[1] < 2:
        raise ValueError(
            f"logits must be floating point of shape (n, classes), 2 classes or more, got {logits.dtype} of shape "
            f"{tuple(logits.shape)}."
        )
    if labels.dtype != torch.int64 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"labels must be int64 of shape ({len(logits)},), got {labels.dtype} of shape {tuple(labels.shape)}; "
            "pass labels.long(), one for each row of logits."
        )


def require_loss(loss: object) -> Loss:
    """Refuse what cannot be called.

    Raises:
        TypeError: if it cannot.
    """
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(
            f"loss must be a function of logits and labels, got {told(loss)}; pass one that returns a value per "
            "image, such as cross_entropy."
        )
    return loss


def require_untargeted(loss: object) -> Loss:
    """Refuse `towards` where labels are the images' own: it would lead every attack to the right answer.

    Raises:
        TypeError: if it is no loss.
        ValueError: if it is `towards`.
    """
    if loss is towards:
        raise ValueError(
            "loss=towards leads an attack to the labels that it is given, which are the right ones here; make "
            "targeted images with Attack(optimizer, threat, towards)(classifier, images, targets)."
        )
    return require_loss(loss)


def try_loss(loss: Loss, classes: int, device: torch.device) -> None:
    """Try a loss on the logits of two images.

    Args:
        loss: to be tried.
        classes: how many logits each has.
        device: where.

    Raises:
        TypeError: if it cannot be called so, or returns no tensor.
        ValueError: if it returns another shape, or nothing that has a gradient.
    """
    logits, labels = (
        torch.zeros(2, classes, device=device, requires_grad=True),
        torch.zeros(2, device=device).long(),
    )
    require_recording()
    try:
        with torch.enable_grad():
            values = loss(logits, labels)
    except Exception as error:  # a stranger's function may raise anything
        raise TypeError(
            f"loss cannot take logits of shape (2, {classes}) and labels of shape (2,); it said "
            f"{type(error).__name__}: {error}"
        ) from error
    if not require_values(values, labels).requires_grad:
        raise ValueError("loss must depend on the logits so that it has a gradient; leave out argmax and detach.")


def require_values(values: object, labels: Tensor) -> Tensor:
    """What a loss returned: one value per image.

    Raises:
        TypeError: if it is no tensor, or one of complex numbers.
        ValueError: if it has another shape.
    """
    if not isinstance(values, Tensor):
        raise TypeError(f"the loss must return a tensor of one value per image, got {told(values)}.")
    if values.shape != labels.shape:
        raise ValueError(
            f"the loss must return one value per image, shape {tuple(labels.shape)}, got {tuple(values.shape)}; "
            'reduce over classes and not over images (reduction="none").'
        )
    return require_real("the loss", values)


LOSSES: tuple[Loss, ...] = (cross_entropy, margin, towards)
