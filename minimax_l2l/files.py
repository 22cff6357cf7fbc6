"""Files that appear under their names once they are whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4


@contextmanager
def atomic(target: Path, *, ready: Callable[[Path], None] = lambda _: None) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is complete and on disk; its folder is made if it is not there.

    Args:
        target: its name.
        ready: called with the complete file just before that.
    """
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
