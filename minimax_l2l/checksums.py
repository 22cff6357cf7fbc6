"""Which files a run wrote: a file that was damaged, or that another run wrote, is told from the run's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minimax_l2l.errors import DamagedRunError
from minimax_l2l.files import atomic

NAME = "checksums.json"
KEPT = 2  # of each file: the one that is there, and the one that is about to replace it


class Checksums:
    """The checksums of a run's files, in a file beside them.

    A checksum is noted before its file appears, and the one before it is kept, so that a process that is killed
    between the two leaves a whole run.

    Args:
        folder: of the run.
    """

    file_name = NAME
    _as_left, _another, _whole = "this run wrote it", "another run's", "the run's files are"
    _again = "solve again in another folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def file(self) -> Path:
        """That they are kept in."""
        return self._folder / self.file_name

    def seal(self, names: Iterable[str]) -> None:
        """Note some files as they are now, and forget all others."""
        self._write({name: [_digest(self._folder / name)] for name in names})

    def expect(self, drafts: Mapping[str, Path]) -> None:
        """Note what files are going to be, by their names: what lies elsewhere yet."""
        known = self._read() if self.file.exists() else {}
        digests = {name: _digest(draft) for name, draft in drafts.items()}
        new = {
            name: [now, *(one for one in known.get(name, []) if one != now)][:KEPT] for name, now in digests.items()
        }
        self._write({**known, **new})

    def lists(self, name: str) -> bool:
        """Whether the run has written such a file."""
        return self.file.exists() and name in self._read()

    def names(self) -> list[str]:
        """All files that the run has written and not forgotten."""
        return sorted(self._read())

    def forget(self, *names: str) -> None:
        """Files that are removed, or no longer as they were."""
        if self.file.exists():
            known = self._read()
            if any(name in known for name in names):
                self._write({name: own for name, own in known.items() if name not in names})

    def require(self, name: str) -> None:
        """Refuse a file that the run did not write.

        Raises:
            DamagedRunError: if it is not as the run left it.
        """
        try:
            found = _digest(self._folder / name)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DamagedRunError(
                f"{self._folder / name} cannot be read ({error}); put the right file back."
            ) from error
        if found not in self._read().get(name, []):
            raise DamagedRunError(
                f"{self._folder / name} is not as {self._as_left}: it is damaged, was edited, or is "
                f"{self._another}; put the right file back, or {self._again}."
            )

    def read_json(self, name: str) -> dict[str, Any]:
        """One of the run's JSON files; torch is not needed, so that what is wrong is said at once.

        Raises:
            DamagedRunError: if it is missing, is not as the run wrote it, or is not a JSON object.
        """
        file = self._folder / name
        try:
            self.require(name)
            content = json.loads(file.read_text())
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self._folder} holds no {name}, so it is not a run; give a folder that `minimax-l2l solve` wrote."
                if name == "config.json"
                else f"{self._folder} holds no {name}, so its run has not ended; finish it with resume=True."
                if name == "solution.json"
                else f"{self._folder} holds no {name}; give the folder that it was written to."
            ) from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DamagedRunError(f"{file} cannot be read ({error}); run `minimax-l2l solve` again.") from error
        if not isinstance(content, dict):
            raise DamagedRunError(f"{file} holds no JSON object; run `minimax-l2l solve` again.")
        return content

    def _read(self) -> dict[str, list[str]]:
        file = self.file
        if not file.exists():
            raise DamagedRunError(
                f"{self._folder} holds no {file.name}, so it is not a run of this version, or not a whole one; put "
                f"it back, or {self._again}."
            )
        try:
            text = file.read_text()
            files = json.loads(text)["files"]
            if text != _written(files):
                raise ValueError("its own checksum is another")
            return dict(files)
        except (OSError, UnicodeDecodeError, ValueError, LookupError, TypeError) as error:
            raise DamagedRunError(
                f"{file} cannot be read ({error}), so nobody knows whether {self._whole} whole; put it back, "
                f"or {self._again}."
            ) from error

    def _write(self, files: dict[str, list[str]]) -> None:
        with atomic(self.file) as file:
            file.write(_written(files).encode())


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _written(files: dict[str, list[str]]) -> str:
    """The whole file, its own checksum at the end."""
    own = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return json.dumps({"files": files, "of_these": own}, indent=1) + "\n"
