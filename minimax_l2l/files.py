"""Files that appear under their names once they are whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import uuid4


@contextmanager
def atomic(target: Path, *, ready: Callable[[Path], None] = lambda _: None) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is complete and on disk; its folder is made if it is not there.

    Args:
        target: its name.
        ready: called with the complete file just before that.

    Raises:
        ValueError: if there is a folder of that name.
    """
    if target.is_dir():
        raise ValueError(f"{target} is a folder, and a file belongs there; move it away.")
    target.parent.mkdir(parents=True, exist_ok=True)
    writing = target.parent / f".writing-{uuid4().hex}"
    try:
        with writing.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        ready(writing)
        writing.replace(target)
    except BaseException:
        writing.unlink(missing_ok=True)
        raise


def require_place(name: str, folder: Path) -> None:
    """Refuse a folder that could not be made or written to, before any work is done for it; nothing is left there.

    Args:
        name: of the argument that names the folder.
        folder: that is to be written to.

    Raises:
        ValueError: if a part of its path is a file, or a file cannot be made where it is to be.
    """
    place = next(part for part in (folder, *folder.absolute().parents) if os.path.exists(part))
    if not place.is_dir():
        raise ValueError(f"{place} is a file and no folder; choose another {name}=.")
    try:
        with TemporaryDirectory(dir=place, prefix=".trying-") as trial:
            (Path(trial) / folder.name).mkdir(exist_ok=True)
    except (OSError, ValueError) as error:  # also names that no folder can have
        found = getattr(error, "strerror", None) or error
        raise ValueError(f"{folder} cannot be written to ({found}); choose another {name}=.") from error
