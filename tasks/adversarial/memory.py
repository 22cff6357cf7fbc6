"""Each image's last perturbation, remembered in one byte per pixel, as the start of the next attack on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from minimax_l2l.training.processes import from_all


class PerturbationMemory:
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

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"bytes": self.bytes, "known": self.known}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.bytes, self.known = state["bytes"], state["known"]
