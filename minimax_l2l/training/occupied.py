"""One run at a time in a folder: two that write to it would leave a mixture of both."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """No other run is played in a folder meanwhile; a process that is killed leaves it free.

    Args:
        folder: made if it is not there, and removed again if nothing is written to it.

    Raises:
        ValueError: if another process, or another run of this one, is at work there.
    """
    if sys.platform == "win32":  # which locks no folders
        yield
        return
    import fcntl

    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"another run is at work in {folder}; wait until it has ended, or choose another out=."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_UN)  # also in a DataLoader's workers, which share it
        os.close(place)
        if made:
            with suppress(OSError):  # what is not empty stays
                folder.rmdir()
