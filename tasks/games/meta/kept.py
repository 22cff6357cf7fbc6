"""What it takes to go on with meta-training, in one file that is whole at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from minimax_l2l import LearnedOptimizer
from minimax_l2l.errors import DamagedRunError
from minimax_l2l.files import atomic, require_place

FILE = "meta-training.safetensors"
OFTEN = 10.0  # seconds between two writings


class Kept:
    """Phi, its optimizer's moments, and how far meta-training is; written now and then, and on leaving it.

    Args:
        optimizer: takes on what was kept, if anything was.
        adam: likewise.
        identity: what must be the same to go on.
        folder: of the file; None keeps nothing.

    Attributes:
        updates: episodes so far.
        seconds: so far.

    Raises:
        DamagedRunError: if the file is damaged.
        ValueError: if the folder holds another meta-training, or cannot be written to.
    """

    def __init__(
        self,
        optimizer: LearnedOptimizer,
        adam: torch.optim.Optimizer,
        identity: Mapping[str, Any],
        folder: Path | None,
    ) -> None:
        self.optimizer, self.adam, self.identity = optimizer, adam, json.dumps(identity, sort_keys=True)
        if folder is not None:
            require_place("out", folder)
        self.file = None if folder is None else folder / FILE
        self.updates, self.seconds, self._kept_at = 0, 0.0, 0.0
        self._latest: tuple[dict[str, Tensor], dict[str, str]] | None = None
        if self.file is not None and self.file.exists():
            self._take_on(self.file)

    def went_on(self, seconds: float) -> None:
        """One more episode, so many seconds after the beginning."""
        self.updates, self.seconds = self.updates + 1, seconds
        if self.file is None:
            return
        tensors = {f"phi.{name}": one.detach().clone() for name, one in self.optimizer.state_dict().items()}
        for place, moments in self.adam.state_dict()["state"].items():
            tensors |= {f"adam.{place}.{name}": one.clone() for name, one in moments.items()}
        told = {"identity": self.identity, "updates": str(self.updates), "seconds": str(self.seconds)}
        self._latest = tensors, told
        if seconds - self._kept_at > OFTEN:
            self._write()

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()

    def _write(self) -> None:
        """The last whole episode; what came after it in an interrupted one is played again."""
        if self.file is None or self._latest is None:
            return
        self._kept_at = self.seconds
        with atomic(self.file) as file:
            file.write(save(*self._latest))
        self._latest = None

    def _take_on(self, file: Path) -> None:
        try:
            with safe_open(file, framework="pt") as opened:
                told = dict(opened.metadata() or {})
                tensors: dict[str, Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            identity, updates, seconds = told["identity"], int(told["updates"]), float(told["seconds"])
        except (SafetensorError, LookupError, ValueError, OSError) as error:
            raise DamagedRunError(
                f"{file} is no whole meta-training ({error}); remove it and begin anew, or pass another out."
            ) from error
        if identity != self.identity:
            others = [
                name for name, own in json.loads(self.identity).items() if json.loads(identity).get(name) != own
            ]
            raise ValueError(
                f"out={file.parent} holds a meta-training with other settings ({', '.join(others)}); pass the same "
                "again to go on, or another out. How long it takes cannot be changed either, since its learning "
                "rate falls towards the end."
            )
        own = {name.removeprefix("phi."): one for name, one in tensors.items() if name.startswith("phi.")}
        self.optimizer.load_state_dict(own)
        state: dict[int, dict[str, Tensor]] = {}
        for name, one in tensors.items():
            kind, place, *rest = name.split(".")
            if kind == "adam":
                state.setdefault(int(place), {})[".".join(rest)] = one
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": state, "param_groups": groups})
        self.updates, self.seconds, self._kept_at = updates, seconds, seconds
