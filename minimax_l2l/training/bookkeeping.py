"""The options of one solve: what a run writes, when it looks and where it stops."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from minimax_l2l.checksums import NAME
from minimax_l2l.errors import (
    require_a,
    require_choice,
    require_count,
    require_each,
    require_flag,
    require_function,
)
from minimax_l2l.files import require_place
from minimax_l2l.training.callbacks import Callback

A_RUN = ("config.json", NAME)  # a folder without any of them has never been a run's


@dataclass(frozen=True, kw_only=True)
class Bookkeeping:
    """What a run writes, when it looks and where it stops; see `Task.solve`.

    Raises:
        ValueError: on options that make no sense.
    """

    steps: int | None
    out: Path | str | None
    resume: bool
    overwrite: bool
    about: Mapping[str, Any]
    log_every: int
    validate_every: int
    checkpoint_every: int
    progress: str | None
    callbacks: Sequence[Callback]
    on_failure: Literal["raise", "stop"]

    def __post_init__(self) -> None:
        require_choice("on_failure", self.on_failure, ("raise", "stop"))
        if self.steps is not None:
            require_count("steps", self.steps)
        if self.out is not None:
            require_a("out", self.out, (str, Path), "a folder", "pass its path, or None to write nothing")
            if not str(self.out).strip():
                raise ValueError("out='' names no folder; pass its path, or None to write nothing.")
            require_place("out", Path(self.out))
        require_flag("resume", self.resume)
        require_flag("overwrite", self.overwrite)
        require_a("about", self.about, Mapping, "a mapping", "pass names and plain values")
        try:
            json.dumps(dict(self.about))
        except TypeError as error:
            raise TypeError(f"about must hold plain values ({error}); pass numbers and words.") from error
        if self.progress is not None:
            require_a("progress", self.progress, str, "the bar's title", "pass a string, or None for no bar")
        advice = "pass functions of a row, which is a mapping of numbers by name"
        for watch in require_each("callbacks", self.callbacks, object, "a function of a row", advice):
            require_function("each of callbacks", watch, "row", advice)
        require_count("log_every", self.log_every, least=1)
        require_count("validate_every", self.validate_every)
        require_count("checkpoint_every", self.checkpoint_every, least=1)
        if self.resume and self.out is None:
            raise ValueError("resume=True needs the folder to resume; pass out=...")
        if self.overwrite and self.out is None:
            raise ValueError("overwrite=True needs the folder to overwrite; pass out=...")
        if self.resume and self.overwrite:
            raise ValueError("a run is either resumed or overwritten; pass one of the two.")
        if self.resume and self.out is not None and not any((Path(self.out) / name).exists() for name in A_RUN):
            raise ValueError(f"there is no run to resume in {self.out}; start one with resume=False.")

    def due(self, every: int, step: int) -> bool:
        """Whether something that is done every so many steps, or never (0), is done after this one."""
        return bool(every) and step % every == 0
