"""Checksums beside what is stored, so that a file that was damaged or edited is told from what was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from minimax_l2l.checksums import NAME, Checksums
from minimax_l2l.errors import DamagedRunError


def seal(folder: Path, files: Iterable[str]) -> None:
    """Note in `checksums.json` what these files of a folder are."""
    Checksums(folder).seal(files)


def sealed(folder: Path) -> bool:
    """Whether a folder says what its files are."""
    return (folder / NAME).exists()


def require_unbroken(folder: Path, files: Iterable[str]) -> None:
    """Refuse files that are not as they were written.

    Raises:
        ValueError: if one is damaged, was edited or is another's, or if nothing says what they are.
    """
    for name in files:
        try:
            Checksums(folder).require(name)
        except (DamagedRunError, OSError) as error:
            raise ValueError(
                f"{name} is not what {NAME} beside it says, one of them was damaged or edited"
            ) from error
