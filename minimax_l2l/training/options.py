"""How a game is played: the options of `Task.solve`, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.training.callbacks import Callback
from minimax_l2l.training.iteration import Play
from minimax_l2l.training.runtime import PRECISIONS, Precision


@dataclass(frozen=True, kw_only=True)
class SolveOptions:
    """The options of `Task.solve`, under the same names; see there.

    Raises:
        ValueError: on options that make no sense.
    """

    play: Play
    steps: int | None
    out: Path | str | None
    resume: bool
    device: str
    precision: Precision
    log_every: int
    validate_every: int
    checkpoint_every: int
    progress: str | None
    callbacks: Sequence[Callback]
    on_failure: Literal["raise", "stop"]

    def __post_init__(self) -> None:
        require_choice("play", self.play, ("joint", "alternating"))
        require_choice("on_failure", self.on_failure, ("raise", "stop"))
        require_choice("precision", self.precision, PRECISIONS)
        if self.steps is not None:
            require_count("steps", self.steps)
        require_count("log_every", self.log_every, least=1)
        require_count("validate_every", self.validate_every)
        require_count("checkpoint_every", self.checkpoint_every, least=1)
        if self.resume and self.out is None:
            raise ValueError("resume=True needs the folder to resume; pass out=...")
