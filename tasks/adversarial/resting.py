"""Networks at rest: measured in eval mode, and left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def resting(*modules: nn.Module) -> Iterator[None]:
    """Modules in eval mode; afterwards in the modes they were in."""
    before = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
