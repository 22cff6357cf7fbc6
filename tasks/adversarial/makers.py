"""What makes theta's optimizer and its schedule: the user's own, tried and refused in a sentence, and ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import nn
from torch.nn import Parameter
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, OneCycleLR

from minimax_l2l.errors import require_a, require_count, require_fraction, require_positive, told

MakesOptimizer = Callable[[Iterable[Parameter]], torch.optim.Optimizer]
MakesSchedule = Callable[[torch.optim.Optimizer, int], LRScheduler]
OPTIMIZER = "pass one, or what makes one from parameters, such as partial(torch.optim.AdamW, lr=1e-3)"
TORCH = ("torch.optim.lr_scheduler", "torch.optim.swa_utils")
STEPS = ("T_max", "T_0", "total_iters")  # what torch's classes call the number of steps, where it comes second
SCHEDULE = "pass what makes one from an optimizer and a number of steps, such as CosineAnnealingLR"


def multi_step(
    optimizer: torch.optim.Optimizer, steps: int, *, at: Sequence[float] = (0.3, 0.6, 0.9), factor: float = 0.1
) -> LRScheduler:
    """Multiply the learning rate by a factor at some points of a run, as `schedule=multi_step` does.

    Other points or factors: `schedule=partial(multi_step, at=(0.5, 0.75))`.

    Args:
        optimizer: whose learning rate it is.
        steps: of the whole run.
        at: fractions of the run, each between 0 and 1; nowhere if there are none. Each is rounded to a whole step,
            the first step at the earliest.
        factor: what the learning rate is multiplied by at each.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if a point lies outside of the run, or the factor is not positive.
    """
    require_a("optimizer", optimizer, torch.optim.Optimizer, "a torch optimizer", OPTIMIZER)
    require_count("steps", steps)
    require_positive("factor", factor)
    require_a("at", at, Sequence, "fractions of the run", "pass some such as (0.5, 0.75)")
    for place in at:
        if not 0 < require_fraction("at", place) < 1:
            raise ValueError(
                f"at must lie within the run, between 0 and 1, got {place:g}; pass some like (0.5, 0.75)."
            )
    return MultiStepLR(optimizer, sorted(max(round(place * steps), 1) for place in at), gamma=factor)


def sgd(
    network: nn.Module, learning_rate: float, momentum: float, weight_decay: float, device: torch.device
) -> torch.optim.Optimizer:
    """SGD in its fastest form; on CUDA that is the fused one, which heeds a failed step."""
    fused = device.type == "cuda"
    return torch.optim.SGD(
        network.parameters(),
        lr=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        fused=fused,
        foreach=not fused,
    )


def one_cycle(optimizer: torch.optim.Optimizer, learning_rate: float, steps: int) -> LRScheduler:
    """Up for a quarter of the run, then down to nothing."""
    total = max(steps + 1, 8)  # the schedule divides by a quarter of it, less one
    return OneCycleLR(optimizer, learning_rate, total_steps=total, pct_start=0.25, cycle_momentum=False)


def require_makers(
    optimizer: torch.optim.Optimizer | MakesOptimizer | None, schedule: MakesSchedule | None, classifier: nn.Module
) -> tuple[torch.optim.Optimizer | MakesOptimizer | None, MakesSchedule | None]:
    """Refuse what can make neither, before a run begins.

    Raises:
        TypeError: if one of them is of another kind.
        ValueError: if an optimizer moves none of the classifier's parameters.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        theirs = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
        if theirs.isdisjoint(map(id, classifier.parameters())):
            raise ValueError(f"optimizer moves none of the classifier's parameters; {OPTIMIZER}.")
    elif optimizer is not None and not callable(optimizer):
        raise TypeError(f"optimizer must be one of torch's, got {told(optimizer)}; {OPTIMIZER}.")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function, got {told(schedule)}; {SCHEDULE}.")
    if schedule is not None:
        _require_told_steps(schedule)
    return optimizer, schedule


def _require_told_steps(schedule: MakesSchedule) -> None:
    """Refuse a class of torch's that would take the number of steps for something else, such as a factor."""
    kind = schedule.func if isinstance(schedule, partial) and not schedule.args else schedule
    if not (isinstance(kind, type) and issubclass(kind, LRScheduler) and kind.__init__.__module__ in TORCH):
        return
    _, taken, *_ = signature(kind).parameters
    if taken not in STEPS:
        raise ValueError(
            f"schedule={kind.__name__} would be made with the number of steps as its {taken}; pass a function that "
            f"makes it, such as lambda optimizer, steps: {kind.__name__}(optimizer, ...)."
        )


def made_optimizer(make: MakesOptimizer, classifier: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of the classifier's parameters.

    Raises:
        TypeError: if none is made.
    """
    made: torch.optim.Optimizer = _made("optimizer", OPTIMIZER, make, classifier.parameters())
    return require_a("what optimizer returns", made, torch.optim.Optimizer, "a torch optimizer", OPTIMIZER)


def made_schedule(make: MakesSchedule, optimizer: torch.optim.Optimizer, steps: int | None) -> LRScheduler:
    """The schedule of an optimizer for a number of steps.

    Raises:
        TypeError: if none is made.
    """
    made: LRScheduler = _made("schedule", SCHEDULE, make, optimizer, steps)
    return require_a("what schedule returns", made, LRScheduler, "a schedule of torch's", SCHEDULE)


def _made(name: str, do: str, make: Callable[..., object], *given: object) -> Any:
    try:
        return make(*given)
    except Exception as error:  # a stranger's function may raise anything
        raise TypeError(f"{name} made nothing, it said {type(error).__name__}: {error}; {do}.") from error
