"""A run's folder: config, metrics, checkpoint, how it ended; every file is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import torch

from minimax_l2l.checksums import NAME
from minimax_l2l.errors import DamagedRunError, require_a
from minimax_l2l.files import atomic, room_for
from minimax_l2l.training.saved import SavedModules
from minimax_l2l.training.solution import Row

CHECKPOINT, PREVIOUS = "checkpoint/state.pt", "checkpoint/previous.pt"
ANEW = "choose another out=, or pass overwrite=True to replace it"
OWN_FOLDERS = ("checkpoint", "model", "optimizer", "average", "best", "tensorboard")
OWN_FILES = (
    "metrics.jsonl",
    "solution.json",
    "evaluation.json",
    "evaluation.parts.json",
    "audit.json",
    "audit.parts.json",
    "policy.zip",
    NAME,
    "config.json",  # last, so that a folder whose removal was interrupted still says what it is
)
MEASURED = ("evaluation.json", "audit.json")  # what a run that has ended was found to be worth
RESULTS = ("model", "optimizer", "average", "best", "solution.json", "policy.zip")


class RunFolder(SavedModules):
    """The files of one run.

    `config.json` says what was played, `metrics.jsonl` holds a row for each logged step, `checkpoint/` what
    resuming needs and the one before it, `model/` and `optimizer/` theta and phi as safetensors beside their
    configs, `solution.json` how it ended, `checksums.json` what each of these files has to be. A file that the run
    did not write is not read.

    Args:
        path: the folder; made when something is first written to it.

    Raises:
        ValueError: if there is a file of that name.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(require_a("path", path, (str, Path), "a folder's path", "pass a string or a Path"))
        for part in (self.path, *self.path.parents):
            if os.path.exists(part):  # a path would raise at a name that is too long
                if not part.is_dir():
                    raise ValueError(f"{part} is a file, a run needs a folder; choose another out=.")
                break
        super().__init__(self.path)

    @property
    def config_file(self) -> Path:
        """How to run it again."""
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line, one line a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint_file(self) -> Path:
        """Tensors and plain values only; read with `weights_only=True`."""
        return self.path / "checkpoint" / "state.pt"

    def make_room(self, *, overwrite: bool) -> None:
        """Remove an earlier run's own files, its config last, and nothing else.

        Raises:
            ValueError: if there is a run and it is not to be replaced, or if somebody else's files of a run's names
                are there.
        """
        taken = [name for name in (*OWN_FOLDERS, *OWN_FILES) if (self.path / name).exists()]
        if taken and not self._checksums.lists("config.json"):
            raise ValueError(
                f"{self.path} holds {', '.join(taken)}, which no run of this library wrote, so nothing is "
                "replaced; choose another out=, or remove them yourself."
            )
        if taken and not overwrite:
            if not self.checkpoint_file.exists():
                raise ValueError(f"{self.path} holds a run already, without a checkpoint; {ANEW}.")
            raise ValueError(
                f"{self.path} holds a run already; pass resume=True to go on with it, overwrite=True to replace "
                "it, or choose another out=."
            )
        for name in taken:
            if (self.path / name).is_dir():
                shutil.rmtree(self.path / name)
            else:
                (self.path / name).unlink()

    @property
    def begun(self) -> bool:
        """Whether the run has written a checkpoint, wherever that may be now."""
        return self.checkpoint_file.exists() or self._checksums.lists(CHECKPOINT)

    def seal(self, *names: str) -> None:
        """Note files as they are now: nobody writes to them any more."""
        self._checksums.expect({name: self.path / name for name in names if (self.path / name).is_file()})

    def reopen(self) -> None:
        """The run goes on: how it ended and what it was worth are no longer true, and its metrics grow.

        Raises:
            DamagedRunError: if a folder lies where one of its files belongs.
        """
        for name in OWN_FILES:
            if (self.path / name).is_dir():
                raise DamagedRunError(f"{self.path / name} is a folder, and a file belongs there; move it away.")
        ended = ("solution.json", *MEASURED)
        for name in ended:
            (self.path / name).unlink(missing_ok=True)
        self._checksums.forget(*ended, "metrics.jsonl")

    def tells_its_end(self) -> bool:
        """Whether there is a solution; a run that was killed before it wrote one ends once more.

        Raises:
            DamagedRunError: if it is gone from a run that has been measured since.
        """
        if (self.path / "solution.json").exists():
            return True
        if any((self.path / name).exists() for name in MEASURED):
            raise DamagedRunError(
                f"{self.path / 'solution.json'} is gone, which this run has written; put it back, or solve "
                "again in another folder."
            )
        return False

    def require_results(self) -> None:
        """Refuse a run that has ended if what it came to is not as it wrote it; the cards for people may be edited.

        Raises:
            DamagedRunError: if a file is another, or gone.
        """
        for name in self._checksums.names():
            if name.split("/")[0] not in RESULTS or name.endswith(".md"):
                continue
            try:
                self._checksums.require(name)
            except FileNotFoundError as error:
                raise DamagedRunError(
                    f"{self.path / name} is gone, which this run has written; put it back, or solve again in "
                    "another folder."
                ) from error

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the folder's JSON files."""
        text = json.dumps(content, indent=2, allow_nan=True) + "\n"
        with self._writing(name) as file:
            file.write(text.encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the folder's JSON files.

        Raises:
            DamagedRunError: if it is missing, is not as the run wrote it, or is not a JSON object.
        """
        self.require_there()
        return self._checksums.read_json(name)

    def write_metrics(self, history: list[Row]) -> None:
        """Replace the metrics by `history`, dropping rows past a checkpoint that is resumed."""
        with atomic(self.metrics_file) as file:
            file.write("".join(json.dumps(row) + "\n" for row in history).encode())

    def append_metrics(self, row: Row) -> None:
        """Add one row."""
        with room_for(self.metrics_file), self.metrics_file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def metrics_digest(self, rows: int) -> str:
        """A checksum of the first `rows` rows."""
        lines = self.metrics_file.read_bytes().splitlines(keepends=True)[:rows]
        return hashlib.sha256(b"".join(lines)).hexdigest()

    def read_metrics(self, rows: int | None = None, digest: str | None = None) -> list[Row]:
        """The first `rows` rows as a checkpoint knows them, or all rows of a run that has ended.

        Raises:
            DamagedRunError: if they are missing or fewer, are not as the run wrote them, or one is not JSON.
        """
        self.require_there()
        try:
            if rows is None:
                self._checksums.require(self.metrics_file.name)
            elif digest is not None and self.metrics_digest(rows) != digest:
                raise DamagedRunError(
                    f"the first {rows} rows of {self.metrics_file} are not as this run wrote them; put the right "
                    "file back, or start again in another folder."
                )
            lines = self.metrics_file.read_text().splitlines()[:rows]
            history = [cast(Row, json.loads(line)) for line in lines]
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self.metrics_file} cannot be read, there is no such file; start again in another folder."
            ) from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DamagedRunError(
                f"{self.metrics_file} cannot be read ({error}); start again in another folder."
            ) from error
        if rows is not None and len(history) < rows:
            raise DamagedRunError(
                f"{self.metrics_file} has {len(history)} rows, its checkpoint was made after {rows}; "
                "start again in another folder."
            )
        return history

    def write_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Replace the checkpoint; the one before it is kept."""
        if self.checkpoint_file.exists():
            before = self.checkpoint_file.with_name(f".writing-{uuid4().hex}")
            before.hardlink_to(self.checkpoint_file)
            try:
                self._checksums.expect({PREVIOUS: before})
                before.replace(self.path / PREVIOUS)
            finally:
                before.unlink(missing_ok=True)
        with self._writing(CHECKPOINT) as file:
            torch.save(dict(state), file)

    def read_checkpoint(self) -> dict[str, Any]:
        """The checkpoint; no code in it is ever run.

        Raises:
            DamagedRunError: if it is missing, is not as the run wrote it, or holds more than tensors and plain
                values.
        """
        self.require_there()
        try:
            self._checksums.require(CHECKPOINT)
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self.path} holds no checkpoint to resume; put {CHECKPOINT} back if it was lost, {ANEW}."
                f"{self._the_one_before()}"
            ) from error
        except DamagedRunError as error:
            raise DamagedRunError(f"{error}{self._the_one_before()}") from error
        try:
            state = torch.load(self.checkpoint_file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch names no common base for what a damaged archive raises
            raise DamagedRunError(
                f"{self.checkpoint_file} cannot be read ({type(error).__name__}); start again in another folder."
            ) from error
        return cast(dict[str, Any], state)

    def _the_one_before(self) -> str:
        """The last good state, if there is one."""
        try:
            self._checksums.require(PREVIOUS)
        except (DamagedRunError, FileNotFoundError):
            return ""
        return f" The checkpoint before it is whole: move {self.path / PREVIOUS} there to go on from it."
