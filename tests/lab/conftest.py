"""A preset as small as they come: a game of two numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from specimens import Quadratic

from minimax_l2l import GradientAscent, Task
from minimax_l2l.lab.family import Family
from minimax_l2l.lab.preset import Built, Hidden, Preset
from minimax_l2l.training.folder import RunFolder


class Climb(Task):
    """Theta is a number that follows the top of a parabola."""

    def __init__(self, steps: int, seed: int) -> None:
        self.iterations, self.seed = steps, seed
        self.outer = torch.nn.Linear(1, 1)

    def batches(self):
        generator = torch.Generator().manual_seed(self.seed)
        return [torch.rand(2, 1, generator=generator) for _ in range(self.iterations)]

    def inner_problem(self, batch):
        return Quadratic(self.outer(batch))


@dataclass(frozen=True, kw_only=True)
class ClimbPreset(Preset):
    """A climb.

    Attributes:
        secret: what makes it what it is.
        data: of your own.
        steps: of the run.
        widths: of nothing.
    """

    secret: Hidden[str]
    data: Path | None = None
    steps: int = 3
    widths: tuple[int, ...] = (4, 2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}.")

    @property
    def summary(self) -> str:
        return f"a climb, {self.secret}"

    def build(self) -> Built:
        torch.manual_seed(self.seed)
        facts: dict[str, Any] = {"height": 8848}
        if self.data is not None:
            facts["data_sha256"] = hashlib.sha256(self.data.name.encode()).hexdigest()
        return Built(Climb(self.steps, self.seed), GradientAscent(steps=1, step_size=0.1), facts=facts)

    def evaluate(self, folder: Path, *, device: str, batch_size: int, announce) -> dict[str, Any]:
        announce("measuring")
        steps = RunFolder(folder).read_json("solution.json")["steps"]
        return {"rows": [{"steps": steps, "device": device, "data": str(self.data)}]}


@pytest.fixture
def climb() -> ClimbPreset:
    return ClimbPreset(secret="steep")


@pytest.fixture
def families(climb) -> dict[str, Family]:
    return {"climbs": Family(presets={"climbs/steep": climb})}
