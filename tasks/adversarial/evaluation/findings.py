"""What became of images under attacks, piece by piece, in a file from which an interrupted evaluation goes on."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from minimax_l2l.files import atomic
from minimax_l2l.fingerprint import fingerprint
from tasks.adversarial.evaluation.marks import LOST, WITHSTOOD, Piece, words_of_loss

Announce = Callable[[str], None]
BEGINNING = b'{"identity": '  # of a file of pieces


class Findings:
    """Which images withstood which attack; each piece is written as soon as it is there.

    Args:
        count: how many images there are.
        attacks: how many attacks will be made.
        file: of finished pieces; None keeps them in memory alone.
        identity: of everything that they depend on. Pieces of another evaluation are not used.
        announce: called with the attack's name and how far it is.

    Attributes:
        survived: by attack, a Boolean for each image.
        flags: what was found suspicious.
    """

    def __init__(self, count: int, attacks: int, *, file: Path | None, identity: str, announce: Announce) -> None:
        self._count, self._attacks, self._file, self._identity = count, attacks, file, identity
        self._announce = announce
        self._kept: dict[str, Piece] = self._read()
        self.survived: dict[str, Tensor] = {}
        self.flags: list[str] = []

    def add(self, name: str, places: Tensor, size: int, find: Callable[[Tensor], Piece]) -> None:
        """Attack the images at some places, `size` at a time; all others have fallen before."""
        withstood, lost, done = torch.zeros(self._count, dtype=torch.bool), 0, 0
        for part in torch.split(places, size) if len(places) else ():
            self._announce(
                f"attack {len(self.survived) + 1} of {self._attacks}: {name}, {done} of {len(places)} images"
            )
            key = f"{name} {int(part[0])}"
            if key not in self._kept:
                self._kept[key] = find(part)
                self._write()
            marks, warned = self._kept[key]
            withstood[part] = torch.tensor([mark == WITHSTOOD for mark in marks])
            lost, done = lost + marks.count(LOST), done + len(part)
            self.flags.extend(warned)
        self.survived[name] = withstood
        if lost:
            self.flags.append(words_of_loss(name, lost))

    def _read(self) -> dict[str, Piece]:
        if self._file is None or not self._file.is_file():
            return {}
        try:
            content = json.loads(self._file.read_text())
            if (content["identity"], content["checksum"]) != (self._identity, _checksum(content["pieces"])):
                return {}
            return {key: Piece(marks, tuple(warned)) for key, (marks, warned) in content["pieces"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return {}  # what is not whole is measured again

    def _write(self) -> None:
        if self._file is not None:
            content = {"identity": self._identity, "checksum": _checksum(self._kept), "pieces": self._kept}
            with atomic(self._file) as file:
                file.write(json.dumps(content).encode())


def found_alone(count: int, size: int, find: Callable[[Tensor], Piece]) -> Tensor:
    """Which of `count` images withstand one attack, `size` at a time; what is suspicious is warned of."""
    found = Findings(count, 1, file=None, identity="", announce=lambda _: None)
    found.add("the attack", torch.arange(count), size, find)
    for flag in found.flags:
        warnings.warn(flag, stacklevel=4)
    return found.survived["the attack"]


def _checksum(pieces: object) -> str:
    return fingerprint([], json.dumps(pieces, sort_keys=True))
