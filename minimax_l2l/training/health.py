"""Whether a run is still made of finite numbers, known on the device and asked by the host when it pleases."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from minimax_l2l.errors import NonFiniteError


class Health:
    """A flag on the device that goes up with the first number that is not finite, and never down again.

    Attributes:
        failed: 0 or 1, one number; float32, as torch's fused optimizers read it.
        good: how many looks found all numbers finite before the first failure.
    """

    def __init__(self, device: torch.device) -> None:
        self.failed = torch.zeros((), device=device)
        self.good = torch.zeros((), device=device)

    @torch.no_grad()
    def look(self, *numbers: Tensor) -> None:
        """Take the numbers of one step into account."""
        total = torch.stack([number.float() for number in numbers]).sum()
        self.failed.copy_(torch.maximum(self.failed, 1 - total.isfinite().float()))
        self.good += 1 - self.failed

    def require(self) -> None:
        """Read the flag: the one place where the host waits for the device.

        Raises:
            NonFiniteError: if it is up.
        """
        if self.failed.item():
            raise NonFiniteError(
                "the objective or its gradient became NaN or infinite, so neither player has a step to take; lower "
                "the learning rates or the step size, or look for a division, root or logarithm that can meet zero."
            )


class Statistics:
    """A module's buffers as they were at the last good step: a bad batch has gone into BatchNorm's.

    The module holds both players; the flag of `health` says which step was good.
    """

    def __init__(self, module: nn.Module, health: Health) -> None:
        self._module, self._health = module, health
        self._buffers: list[Tensor] = []
        self._kept: list[tuple[list[Tensor], Tensor]] = []
        self.keep()

    @torch.no_grad()
    def keep(self) -> None:
        """Keep the present values, unless the flag is up: two operations for each dtype."""
        buffers = list(self._module.buffers())
        if [id(part) for part in buffers] != [id(part) for part in self._buffers]:
            self._buffers = buffers
            self._kept = [(views, torch.cat(views)) for views in _by_dtype(buffers)]
            return
        failed = self._health.failed > 0
        for place, (views, kept) in enumerate(self._kept):
            self._kept[place] = views, torch.where(failed, kept, torch.cat(views))

    @torch.no_grad()
    def put_back(self) -> None:
        """Put the kept values back."""
        for views, kept in self._kept:
            for view, part in zip(views, torch.split(kept, [len(view) for view in views]), strict=True):
                view.copy_(part)


def _by_dtype(buffers: list[Tensor]) -> list[list[Tensor]]:
    groups: dict[torch.dtype, list[Tensor]] = {}
    for buffer in buffers:
        groups.setdefault(buffer.dtype, []).append(buffer.detach().view(-1))
    return list(groups.values())
