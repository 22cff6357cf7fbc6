"""Gradient queries leave a module as they found it: modes, flags and running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

QueryMode = Literal["eval", "train"]


@contextmanager
def querying(module: nn.Module | None, mode: QueryMode, *, frozen: bool = False) -> Iterator[None]:
    """Run gradient queries through `module` without leaving a trace in it.

    Args:
        module: theta's module; None if the problem named none.
        mode: `"eval"` queries with running statistics, so that instances stay independent; `"train"`
            uses the batch's statistics and leaves the running ones alone.
        frozen: make the parameters constants, so that second derivatives reach phi but never theta.
    """
    if module is None:
        yield
        return
    training = [(part, part.training) for part in module.modules()]
    norms = [part for part, _ in training if mode == "train" and isinstance(part, _NormBase)]
    tracking = [(norm, norm.track_running_stats) for norm in norms]
    flags = [(weight, weight.requires_grad) for weight in module.parameters()] if frozen else []
    try:
        module.train(mode == "train")
        for norm in norms:
            norm.track_running_stats = False
        for weight, _ in flags:
            weight.requires_grad_(False)
        yield
    finally:
        for part, was in training:
            part.training = was
        for norm, was in tracking:
            norm.track_running_stats = was
        for weight, was in flags:
            weight.requires_grad_(was)
