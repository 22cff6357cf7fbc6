"""Each image's last perturbation, remembered in one byte a pixel, as the start of the next attack on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class PerturbationMemory:
    """Where the attack on each training image ended last time.

    It makes any inner optimizer recurrent across epochs, at count * pixels + count bytes of memory on the CPU:
    eighty-one kilobytes for the digits, 154 megabytes for CIFAR-10's 50,000 images.

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
        """The perturbations of some images and whether each has one, on the device of `like`."""
        places = indices.cpu()
        perturbations = self.bytes[places].to(like.device).to(like.dtype) * self.unit
        return perturbations, self.known[places].to(like.device)

    def store(self, indices: Tensor, perturbations: Tensor) -> None:
        """Remember the perturbations of some images."""
        places = indices.cpu()
        self.bytes[places] = (perturbations / self.unit).round().clamp(-127, 127).to(torch.int8).cpu()
        self.known[places] = True

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"bytes": self.bytes, "known": self.known}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.bytes, self.known = state["bytes"], state["known"]
