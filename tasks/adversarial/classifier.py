"""A classifier tried on a few images, so that what is wrong with it is said at the door."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from minimax_l2l import Solution, Task, resting
from minimax_l2l.errors import told
from minimax_l2l.gradients import require_values
from tasks.adversarial.data.images import CHANNELS, CHANNELS_FIRST, Images
from tasks.adversarial.data.parts import FROM_0, numbered_from_1
from tasks.adversarial.losses import LOSSES, Loss, try_loss

PROBABILITIES = (
    "the classifier returns probabilities, which hide gradients where it is sure: return logits, those before the "
    "softmax"
)
COUPLED = (
    "the classifier's answer to an image depends on the images beside it, also in eval mode, so what an attack "
    "does to an image and what withstands it depend on the batch; give BatchNorm track_running_stats=True, and let "
    "every layer look at each image by itself"
)
APART = 0.01  # in units of the largest logit: what two answers may differ by for batches of two sizes


def require_classifier(
    classifier: object,
    images: Images,
    *,
    classes: int | None = None,
    loss: Loss | None = None,
    may_be_meta: bool = False,
    known: bool = False,
) -> int:
    """Try a classifier on a black image, and on two of the images, dimmed, with and without white ones beside.

    Random numbers stay where they were.

    Args:
        classifier: takes images of shape (n, channels, height, width) in [0, 1] and returns logits (n, classes).
        images: some that it is to take.
        classes: how many the data have; None if only the classifier knows.
        loss: of its logits, to be tried as well.
        may_be_meta: whether its weights may all be on the meta device, as those of a game that is only measured.
        known: whether it has been tried before; then the black image is enough.

    Returns:
        How many logits it has.

    Raises:
        TypeError: if it is no module, or returns no tensor.
        ValueError: if it cannot take such an image, its logits have another shape or are too few, its answer to an
            image depends on the images beside it, or its weights hold no values.
    """
    if not isinstance(classifier, nn.Module):
        raise TypeError(
            f"a classifier must be a torch.nn.Module that returns logits, got {told(classifier)}; "
            f"{_towards_classifier(classifier)}."
        )
    for name, weight in classifier.named_parameters():
        if isinstance(weight, UninitializedParameter):
            raise ValueError(
                f"the classifier's {name} has no shape yet; show it a batch before, or name its layer's sizes."
            )
    weights = list(classifier.parameters())
    if not (may_be_meta and weights and all(weight.is_meta for weight in weights)):
        require_values("the classifier", classifier)
    dtype = images.images.dtype if images.images.is_floating_point() else torch.float32
    sample = as_taken_by(classifier, torch.zeros(1, *images.shape, dtype=dtype))
    there = sample.is_cuda and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng([sample.device] if there else []):
        logits = _answer(classifier, sample)
        found = _require_logits(logits)
        if not known and type(sample) is Tensor and not sample.is_meta:  # answers that hold values
            _require_alone(classifier, as_taken_by(classifier, images.first(2).pixels() / 2))
    if classes is not None and found < classes:
        raise ValueError(
            f"the data have {classes} classes, the classifier turns an image into logits of shape "
            f"{tuple(logits.shape)}; {_towards_logits(found, classes, images)}."
        )
    if loss is not None:
        try_loss(loss, found, sample.device)
        if loss in LOSSES and are_probabilities(logits):
            warnings.warn(PROBABILITIES, stacklevel=3)
    return found


def as_taken_by(classifier: nn.Module, images: Tensor) -> Tensor:
    """Images or labels on the device of the classifier's first weight; where they are if it has none.

    Single and double precision become one another, as the weight has them. Pixels are not rounded to half
    precision, which has no room for a radius of 8/255.
    """
    weight = next(classifier.parameters(), None)
    if weight is None:
        return images
    both = {images.dtype, weight.dtype} <= {torch.float32, torch.float64}
    return images.to(weight.device, weight.dtype if both else images.dtype)


def are_probabilities(logits: Tensor) -> bool:
    """Whether every row lies in [0, 1] and sums to 1, as a softmax leaves them; nobody knows on the meta device."""
    if logits.is_meta:
        return False
    inside = ((logits >= 0) & (logits <= 1)).all()
    return bool(inside & ((logits.sum(1) - 1).abs() < 1e-4).all())


def _answer(classifier: nn.Module, images: Tensor) -> Any:
    """What it returns for images of which it gets a copy, in eval mode."""
    try:
        with resting(classifier), torch.no_grad():
            return classifier(images.clone())
    except Exception as error:  # a stranger's network may raise anything
        if "more than 1 value per channel" in str(error):  # a BatchNorm layer that sees one number
            raise ValueError(f"{COUPLED}.") from error
        raise ValueError(
            f"the classifier cannot take an image of shape {(1, *images.shape[1:])} and {images.dtype} on "
            f"{images.device}; its first weight is {_first_weight(classifier)}. "
            f"{_towards_images(classifier, images)}. It said {type(error).__name__}: {error}"
        ) from error


def _require_alone(classifier: nn.Module, images: Tensor) -> None:
    """Refuse a classifier whose answers change with the batch; one that never answers twice alike is no such."""
    among = _answer(classifier, torch.cat([images, torch.ones_like(images)]))[: len(images)]
    allowed = max(APART, 16 * torch.finfo(among.dtype).eps) * _size(among)
    if _size(among - (alone := _answer(classifier, images))) <= allowed:
        return
    if _size(alone - _answer(classifier, images)) <= 1e-3 * allowed:
        raise ValueError(f"{COUPLED}.")


def _size(logits: Tensor) -> float:
    """The largest entry of those that are finite."""
    return logits.nan_to_num(0, 0, 0).abs().amax().item()


def _first_weight(classifier: nn.Module) -> str:
    weight = next(classifier.parameters(), None)
    return "none" if weight is None else f"of shape {tuple(weight.shape)} and {weight.dtype} on {weight.device}"


def _towards_classifier(given: object) -> str:
    if isinstance(given, Solution):
        return "pass solution.theta"
    if isinstance(given, Task):
        return "pass task.classifier" if hasattr(given, "classifier") else "pass task.outer"
    if isinstance(given, type):
        return f"pass an object of it, made by {given.__name__}(...)"
    return "wrap a function in a module whose forward calls it"


def _towards_images(classifier: nn.Module, image: Tensor) -> str:
    weight = next(classifier.parameters(), None)
    if weight is not None and weight.dtype != image.dtype:
        single = weight.dtype in (torch.float32, torch.float64)
        return "Give images.float()" if single else "Give classifier.float()"
    takes = next((part.in_channels for part in classifier.modules() if isinstance(part, nn.Conv2d)), None)
    channels, _, last = image.shape[1:]
    looks_last = takes is None and last in CHANNELS and channels not in CHANNELS
    if last != channels and (last == takes or looks_last):
        return CHANNELS_FIRST[0].upper() + CHANNELS_FIRST[1:]
    if takes not in (None, channels):
        return (
            f"Its first convolution takes {takes} channels and the images have {channels}: give it images of "
            f"{takes}, or build it for {channels}"
        )
    return "Give images of the shape that it takes"


def _require_logits(logits: Any) -> int:
    if not isinstance(logits, Tensor):
        raise TypeError(
            f"the classifier must return logits, a tensor of shape (n, classes), got {type(logits).__name__}; wrap "
            "it in a module whose forward picks them, such as `return self.network(images).logits` or `[0]`."
        )
    if logits.dim() != 2 or len(logits) != 1 or not logits.is_floating_point():
        raise ValueError(
            f"the classifier must turn images (n, channels, height, width) into logits (n, classes), got shape "
            f"{tuple(logits.shape)} and {logits.dtype} for one image."
        )
    return int(logits.shape[1])


def _towards_logits(found: int, classes: int, images: Images) -> str:
    if not numbered_from_1(images.labels, classes):
        return f"give it one logit for each class, shape (n, {classes})"
    more = "" if found == classes - 1 else f", and give the classifier logits of shape (n, {classes - 1})"
    return f"the labels go from 1 to {classes - 1} and class 0 never occurs, so {FROM_0}{more}"
