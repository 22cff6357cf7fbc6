"""One side of the game: what it moves, and by which optimizer and schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils._pytree import tree_map_only

from minimax_l2l.training.drivable import require_rates


class Player:
    """Some parameters, their optimizer and the schedule of its learning rate, moved once per step.

    The optimizer descends for theta and ascends (`maximize=True`) for phi. A gradient longer than `clip_norm` is
    scaled back to it. It moves in the first of every `every` steps.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler | None,
        clip_norm: float | None = None,
        every: int = 1,
    ) -> None:
        self.parameters, self.optimizer, self.schedule, self.clip_norm = parameters, optimizer, schedule, clip_norm
        self._every, self._step, self._reached = every, 0, False

    @property
    def moves(self) -> bool:
        """Whether it moves in the present step."""
        return self._step % self._every == 0

    @property
    def skips(self) -> bool:
        """Whether its optimizer reads a flag on the device and stays where it is if that is up."""
        return bool(getattr(self.optimizer, "_step_supports_amp_scaling", False))

    def heed(self, failed: Tensor) -> None:
        """Let the optimizer read this flag: 1 keeps it from moving."""
        setattr(self.optimizer, "found_inf", failed)  # noqa: B010 - what torch's gradient scaler sets

    def clear(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    def require_gradient(self, otherwise: str) -> None:
        """Refuse, in the first step, a game that reaches none of the weights; looks at no number."""
        self._reached = self._reached or any(weight.grad is not None for weight in self.parameters)
        if not self._reached:
            raise ValueError(f"{otherwise}.")

    def norm(self) -> Tensor:
        """The length of the gradient."""
        gradients = [part.grad for part in self.parameters if part.grad is not None]
        return nn.utils.get_total_norm(gradients) if gradients else self.parameters[0].new_zeros(())

    def move(self, norm: Tensor) -> None:
        """One step of the optimizer, along a gradient of this length."""
        if self.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.clip_norm, norm)
        self.optimizer.step()

    def schedule_step(self) -> None:
        """The step is over: the next learning rate.

        Raises:
            ValueError: if the schedule cannot be moved, as one that has ended, or has made the rate negative.
        """
        self._step += 1
        if self.schedule is None:
            return
        try:
            self.schedule.step()
        except Exception as error:  # a stranger's schedule may raise anything
            raise ValueError(
                f"the schedule of the learning rate, a {type(self.schedule).__name__}, cannot be moved further: "
                f"{type(error).__name__}: {error}. Make it for at least as many steps as the run has."
            ) from error
        require_rates(self.schedule, self.optimizer)

    def snapshot(self) -> tuple[list[Tensor], dict[str, Any]]:
        """Copies of the parameters and of the optimizer's state."""
        state = tree_map_only(Tensor, torch.clone, self.optimizer.state_dict())
        return [part.detach().clone() for part in self.parameters], state

    @torch.no_grad()
    def put_back(self, before: tuple[list[Tensor], dict[str, Any]]) -> None:
        """Undo the steps since a snapshot."""
        for part, was in zip(self.parameters, before[0], strict=True):
            part.copy_(was)
        self.optimizer.load_state_dict(before[1])

    def state_dict(self) -> dict[str, Any]:
        """The states of optimizer and schedule, and how many steps are over."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "step": self._step,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._step = state["step"]
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
