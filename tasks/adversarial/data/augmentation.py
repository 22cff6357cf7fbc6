"""Random crops and flips, each of an image at a step, which can be undone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from minimax_l2l import uniform
from minimax_l2l.arguments import Shown
from minimax_l2l.errors import require_count, require_flag

# From the random numbers of starts, which count from step 0 on: half of the 2^64 steps that there are.
APART = 2**63


class Placement(NamedTuple):
    """How each image of a batch is cropped and flipped.

    Pixel (r, q) of image i gets the value of pixel (r + shifts[i, 0], q + shifts[i, 1]), or zero if there is none.
    Where flips[i] is true, width - 1 - q stands for q.

    Attributes:
        shifts: shape (n, 2), whole numbers of pixels, downwards and to the right.
        flips: shape (n,), whether left and right are exchanged.
    """

    shifts: Tensor
    flips: Tensor

    def apply(self, images: Tensor) -> Tensor:
        """Crop and flip images, or whatever has a value per pixel.

        Args:
            images: shape (n, channels, height, width), of any dtype.

        Returns:
            The same shape, dtype and device.
        """
        height, width = images.shape[2:]
        down, right = self.shifts[:, :1], self.shifts[:, 1:]
        rows, columns = (torch.arange(side, device=images.device) for side in (height, width))
        return _taken(images, rows + down, _mirrored(columns, self.flips) + right, 0)

    def undo(self, seen: Tensor, hidden: Tensor) -> Tensor:
        """Put the pixels of cropped and flipped images back to where they were.

        Args:
            seen: shape (n, channels, height, width), as `apply` returns it.
            hidden: shaped as `seen`: what pixels that were cropped away get.

        Returns:
            The same shape, dtype and device. `undo(apply(x), x)` is x.
        """
        height, width = seen.shape[2:]
        down, right = self.shifts[:, :1], self.shifts[:, 1:]
        rows, columns = (torch.arange(side, device=seen.device) for side in (height, width))
        return _taken(seen, rows - down, _mirrored(columns - right, self.flips), hidden)


class CropAndFlip(Shown):
    """Pad images with zeros, crop them at random places, and flip half of them.

    This is the usual augmentation for CIFAR (He et al., 2016). It runs on the images' device, on a whole batch at
    once. What happens to an image depends on the seed, the step and the image's number alone, so batches of another
    size, several processes and a resumed run draw the same.

    Args:
        padding: zeros on each side, in pixels: the largest shift.
        flip: whether images are flipped, left to right; digits and letters should not be.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if the padding is negative.
    """

    def __init__(self, padding: int = 4, flip: bool = True) -> None:
        self.padding, self.flip = require_count("padding", padding), require_flag("flip", flip)

    def draw(self, indices: Tensor, *, seed: int, step: int) -> Placement:
        """Random shifts from -padding to padding, and flips.

        Args:
            indices: the images' own numbers, shape (n,); the result is on their device.
            seed: the run's seed.
            step: the run's step.
        """
        like = torch.empty(len(indices), 3, device=indices.device)
        numbers = uniform(like, indices, seed=seed, step=step + APART)
        shifts = (numbers[:, :2] * (2 * self.padding + 1)).long() - self.padding
        return Placement(shifts, (numbers[:, 2] < 0.5) & self.flip)


def _mirrored(columns: Tensor, flips: Tensor) -> Tensor:
    """The columns of each image, counted from the right where it is flipped."""
    return torch.where(flips[:, None], columns.shape[-1] - 1 - columns, columns)


def _taken(images: Tensor, rows: Tensor, columns: Tensor, outside: Tensor | int) -> Tensor:
    """Pixel (rows[r], columns[q]) of each image; where that is outside of it, what is given instead."""
    height, width = images.shape[2:]
    within = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    places = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    flat = places.flatten(1)[:, None].expand(-1, images.shape[1], -1)
    taken = images.flatten(2).gather(2, flat).view_as(images)
    return torch.where(within[:, None], taken, outside)
