"""What the loop can drive: an optimizer of the player's own weights, in its direction, and that one's schedule."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ChainedScheduler, LRScheduler, ReduceLROnPlateau, SequentialLR

from minimax_l2l.errors import told


def require_optimizer(
    method: str, optimizer: object, weights: Sequence[Tensor], *, ascends: bool
) -> torch.optim.Optimizer:
    """Refuse an optimizer that would leave the player where it is, or take it the wrong way.

    Args:
        method: which returned it.
        optimizer: to be driven by its `step()`, after a dense gradient.
        weights: the player's.
        ascends: whether it has to be made with `maximize=True`.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"{method}() must return a torch optimizer, got {told(optimizer)}; return one over the weights that it "
            "is to move, or freeze them with requires_grad_(False)."
        )
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if (closure is not None and closure.default is closure.empty) or isinstance(optimizer, torch.optim.SparseAdam):
        raise ValueError(
            f"{method}() returned {type(optimizer).__name__}, which needs more than a gradient; return one such as "
            "SGD or Adam."
        )
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    if not any(id(weight) in held for weight in weights):
        raise ValueError(
            f"{method}() returned an optimizer that holds none of the player's weights, which would never move; "
            "make it from the parameters of the network that is in the game."
        )
    if any(group.get("maximize", ascends) != ascends for group in optimizer.param_groups):
        player, way = ("phi", "ascends") if ascends else ("theta", "descends")
        raise ValueError(
            f"{player} {way}, got an optimizer of {method}() with maximize={not ascends}; pass the other."
        )
    return optimizer


def require_schedule(
    method: str, schedule: LRScheduler | None, optimizer: torch.optim.Optimizer
) -> LRScheduler | None:
    """Refuse a schedule that cannot be moved once per step, or that moves another optimizer."""
    if schedule is None:
        return None
    if not isinstance(schedule, LRScheduler) or isinstance(schedule, ReduceLROnPlateau):
        raise ValueError(
            f"a schedule is moved once per step without being told a number, which {type(schedule).__name__} "
            f"cannot do; let {method}() return another LRScheduler of torch, or None and change the rate in a "
            "callback."
        )
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            f"{method}(optimizer) returned the schedule of another optimizer, so the learning rate would stay as "
            "it is; make it from the optimizer that is given."
        )
    require_rates(schedule, optimizer)
    return schedule


def require_rates(schedule: LRScheduler, optimizer: torch.optim.Optimizer) -> None:
    """Refuse a schedule that has made a learning rate negative, with which the player goes the wrong way."""
    rates = [group.get("lr") for group in optimizer.param_groups]  # those that are tensors are not read
    below = [rate for rate in rates if isinstance(rate, int | float) and rate < 0]
    if below:
        raise ValueError(
            f"the schedule of the learning rate, a {type(schedule).__name__}, has made it {below[0]:g}, so the "
            "player would go the wrong way; let it stay at 0 or above."
        )


def require_length(schedule: LRScheduler | None, steps: int | None) -> None:
    """Refuse a schedule that ends before the run does, such as a OneCycleLR, alone or as a part of another."""
    if steps is None or schedule is None:
        return
    for begin, until, part in _parts(schedule, 0, steps):
        total = getattr(part, "total_steps", None)
        if total is not None and begin + total < until:
            within = "" if part is schedule else f" within the {type(schedule).__name__}"
            after = f"begins after {begin} steps and ends" if begin else "ends"
            raise ValueError(
                f"the {type(part).__name__}{within} {after} after {begin + total} steps and the run has {steps}; "
                f"make it with total_steps={until - begin}."
            )


def _parts(schedule: LRScheduler, begin: int, until: int) -> Iterator[tuple[int, int, LRScheduler]]:
    """A schedule, or those it is made of, each with the steps of the run between which it is moved."""
    if isinstance(schedule, SequentialLR):
        begins = [begin, *(begin + milestone for milestone in schedule._milestones)]
        ends = [*(start - 1 for start in begins[1:]), until]  # where one begins, the last is not moved any more
        for part, start, end in zip(schedule._schedulers, begins, ends, strict=True):
            if start < until:
                yield from _parts(part, start, min(end, until))
    elif isinstance(schedule, ChainedScheduler):
        for part in schedule._schedulers:
            yield from _parts(part, begin, until)
    else:
        yield begin, until, schedule
