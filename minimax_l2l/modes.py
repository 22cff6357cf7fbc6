"""Gradient queries leave a module as they found it: modes, flags and running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn

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
    # Training mode writes to buffers, and a graph of second derivatives reads them after the outer pass has.
    copied = mode == "train" or frozen
    buffers = [(part, dict(part._buffers)) for part, _ in training if copied and part._buffers]
    flags = [(weight, weight.requires_grad) for weight in module.parameters()] if frozen else []
    try:
        module.train(mode == "train")
        for part, own in buffers:
            part._buffers.update({name: None if value is None else value.clone() for name, value in own.items()})
        for weight, _ in flags:
            weight.requires_grad_(False)
        yield
    finally:
        for part, was in training:
            part.training = was
        for part, own in buffers:
            part._buffers.update(own)
        for weight, was in flags:
            weight.requires_grad_(was)
