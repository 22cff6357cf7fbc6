"""Files that appear under their names once they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


@contextmanager
def atomic(target: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is complete and on disk; its folder is made if it is not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=target.parent, prefix=".writing-", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o666 & ~_umask())
    os.replace(file.name, target)


def _umask() -> int:
    """The mask of new files' modes, which Python can only read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
