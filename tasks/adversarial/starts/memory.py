"""Each image's last perturbation, remembered in one byte per pixel, as the start of the next attack on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from minimax_l2l import Iterate, Tree, leaves
from minimax_l2l.training.processes import from_all
from tasks.adversarial.data.images import Images
from tasks.adversarial.starts.base import Start, require_followed

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem


class PerturbationMemory(Start):
    """Where the attack on each training image ended last time.

    It makes any inner optimizer recurrent across epochs, at count * pixels + count bytes of memory on the run's
    device: eighty-one kilobytes for the digits, 154 megabytes for CIFAR-10's 50,000 images. Processes that share
    batches each remember all images, so that it does not matter which of them meets an image next. Bytes belong to
    the images' own pixels, wherever these were cropped and flipped to.

    Args:
        count: how many images.
        shape: (channels, height, width) of one.
        eps: largest absolute entry; a byte is a multiple of eps / 127.
    """

    def __init__(self, count: int, shape: tuple[int, int, int], eps: float) -> None:
        self.unit = eps / 127
        self.bytes = torch.zeros(count, *shape, dtype=torch.int8)
        self.known = torch.zeros(count, dtype=torch.bool)

    def initial(self, problem: PerturbationProblem) -> Tensor:
        """Where the last attack on each image ended; a random point for images that were never met."""
        remembered, known = self.recall(problem.indices, problem.images)
        if problem.placement is not None:
            remembered = problem.placement.apply(remembered)
        return torch.where(known[:, None, None, None], remembered, self.fresh(problem))

    def fresh(self, problem: PerturbationProblem) -> Tensor:
        """A random point for each image, where the first attack on it starts."""
        noise = problem.noise(torch.zeros_like(problem.images))
        return leaves(problem.constraint.sample(noise))[0]

    def remember(self, problem: PerturbationProblem, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Keep where the attack ended; pixels that were cropped away keep what they had."""
        perturbations = leaves(end.y)[0]
        if problem.placement is not None:
            remembered, _ = self.recall(problem.indices, perturbations)
            perturbations = problem.placement.undo(perturbations, remembered)
        self.store(problem.indices, perturbations)

    def recall(self, indices: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """The perturbations of some images and whether each has one, on the device of `like`, to which it moves."""
        self.bytes, self.known = self.bytes.to(like.device), self.known.to(like.device)
        return self.bytes[indices].to(like.dtype) * self.unit, self.known[indices]

    def store(self, indices: Tensor, perturbations: Tensor) -> None:
        """Remember the perturbations of some images, those of other processes too."""
        codes = (perturbations / self.unit).round().clamp(-127, 127).to(torch.int8)
        places = from_all(indices)
        self.bytes[places] = from_all(codes)
        self.known.index_fill_(0, places, True)

    def require_images(self, images: Images | DataLoader[Any], augment: object) -> None:
        """Refuse images that cannot be found again, or that are others than there is room for."""
        followed, room = require_followed(images, augment), tuple(self.bytes.shape)
        if room != (len(followed), *followed.shape):
            raise ValueError(
                f"the start has room for images of shape {room}, got {(len(followed), *followed.shape)}; make one "
                f"with count={len(followed)} and shape={followed.shape}."
            )

    def require_shares(self, batch_size: int, processes: int) -> None:
        """Refuse parts of a batch that are not of the same size."""
        if batch_size % processes:
            raise ValueError(
                f"batches of {batch_size} cannot be shared evenly by {processes} processes, which remember "
                "perturbations together; choose a batch size that they divide."
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"bytes": self.bytes, "known": self.known}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.bytes, self.known = state["bytes"], state["known"]
