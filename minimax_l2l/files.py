"""Files that appear under their names once they are whole."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import uuid4

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class NoRoomError(OSError):
    """A file could not be written for lack of room; what was there before is whole."""


@contextmanager
def room_for(target: Path) -> Iterator[None]:
    """Whatever writes to a file or folder; a lack of room is said in a sentence that names it.

    Raises:
        NoRoomError: if the disk is full, or a quota or the largest size of files is reached.
    """
    try:
        yield
    except Exception as error:
        if (why := _lack_of_room(error)) is None:
            raise
        raise NoRoomError(
            f"{target} could not be written ({os.strerror(why)}), and what was saved before is whole; make room, "
            "then do it again: a run goes on with resume=True."
        ) from error


def _lack_of_room(error: BaseException | None) -> int | None:
    """The number by which the operating system said so, to Python or to a library in another language."""
    while error is not None:
        told = re.search(r"\b(?:os error|errno =) (\d+)", str(error))
        number = error.errno if isinstance(error, OSError) else int(told.group(1)) if told else None
        if number in NO_ROOM:
            return number
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def atomic(target: Path, *, ready: Callable[[Path], None] = lambda _: None) -> Iterator[IO[bytes]]:
    """A file that appears under its name once it is complete and on disk; its folder is made if it is not there.

    Args:
        target: its name.
        ready: called with the complete file just before that.

    Raises:
        NoRoomError: if there is no room for it.
        ValueError: if there is a folder of that name.
    """
    _require_no_folder(target)
    with room_for(target):
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


@contextmanager
def drafted(folder: Path, *, kept: Container[str] = ()) -> Iterator[Path]:
    """A folder to write files to, which appear in another once all of them are complete and on disk.

    Args:
        folder: where they appear; made if it is not there.
        kept: names of those that replace no file that is there.

    Raises:
        NoRoomError: if there is no room for one of them.
        ValueError: if there is a folder of a file's name.
    """
    with room_for(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".writing-") as place:
            usual = Path(place, "usual")
            usual.touch()
            mode = usual.stat().st_mode  # as the user's umask has it; safetensors makes files for their owner alone
            usual.unlink()
            yield Path(place)
            found = sorted(Path(place).rglob("*"))
            files = {file: folder / file.relative_to(place) for file in found if file.is_file()}
            for file, target in files.items():
                _require_no_folder(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open("rb+") as whole:
                    os.fsync(whole.fileno())
                file.chmod(mode)
            for file, target in files.items():
                if target.name not in kept or not target.exists():
                    file.replace(target)


def _require_no_folder(target: Path) -> None:
    if target.is_dir():
        raise ValueError(f"{target} is a folder, and a file belongs there; move it away.")


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
