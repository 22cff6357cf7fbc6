"""Result files: rows of numbers and what they were measured with, whole after every row, so that work can go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from minimax_l2l.errors import DamagedRunError
from minimax_l2l.files import atomic, require_place
from minimax_l2l.lab.environment import describe_environment
from minimax_l2l.lab.pool import EVERY_CORE, play_all
from minimax_l2l.lab.preset import Announce

Row = dict[str, Any]
CONDITIONS = "conditions"


class Job(Protocol):
    """What gives one row: a frozen dataclass that can be pickled."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """The row's first fields, which tell it from all other rows of its file.

        A field "conditions" does not tell rows apart: it stands for all else that the row depends on, and rows of
        other conditions are never mixed.
        """


_Job = TypeVar("_Job", bound=Job)


def read_rows(file: Path) -> list[Row]:
    """The rows of a result file; none if it is not there yet.

    Raises:
        DamagedRunError: if it is no result file.
    """
    if not file.exists():
        return []
    try:
        rows: list[Row] = json.loads(file.read_text())["rows"]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TypeError("its rows are no list of objects")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DamagedRunError(f"{file} is no whole result file ({error}); move it away to begin again.") from error
    return rows


def write_rows(file: Path, rows: Sequence[Row], *, data: Mapping[str, str] | None = None) -> None:
    """Write a result file, one row a line.

    Args:
        file: where; its folder is made if it is not there.
        rows: what was measured.
        data: sha256 of each data set used, by name.
    """
    environment = json.dumps(describe_environment(dict(data) if data else None))
    lines = ",\n".join(map(json.dumps, rows))
    with atomic(file) as target:
        target.write(f'{{"environment": {environment},\n"rows": [\n{lines}\n]}}\n'.encode())


def missing(file: Path, jobs: Iterable[_Job]) -> list[_Job]:
    """The jobs whose rows a result file does not hold yet.

    Raises:
        ValueError: if it holds rows of theirs that were played under other conditions.
    """
    jobs = list(jobs)
    if not jobs:
        return []
    fields = _fields(jobs[0])
    there = {_key(row, fields): row.get(CONDITIONS) for row in read_rows(file)}
    played = [job for job in jobs if _key(job.identity, fields) in there]
    if stale := [job for job in played if there[_key(job.identity, fields)] != job.identity.get(CONDITIONS)]:
        example = ", ".join(f"{name} {stale[0].identity[name]}" for name in fields)
        raise ValueError(
            f"{file} holds {len(stale)} rows that were played under other conditions than now, such as {example}; "
            "move the file away to play them again."
        )
    return [job for job in jobs if _key(job.identity, fields) not in there]


def fill(
    file: Path,
    jobs: Sequence[_Job],
    play: Callable[[_Job], Mapping[str, Any]],
    *,
    announce: Announce,
    workers: int = EVERY_CORE,
    order: Callable[[Row], Any] | None = None,
    data: Mapping[str, str] | None = None,
) -> Path:
    """Play the jobs whose rows are missing from a result file, and write it anew with each row as it comes.

    Called again, it goes on where it was interrupted.

    Args:
        file: the result file.
        jobs: all that belong into it now; rows of others stay.
        play: what is measured of a job, the rest of its row; see `play_all`.
        announce: called with a few words as rows come.
        workers: see `play_all`.
        order: what rows are sorted by; the fields of their identity if None.
        data: sha256 of each data set used, by name.

    Returns:
        The file.

    Raises:
        ValueError: if it holds rows of these jobs that were played under other conditions.
        KeyboardInterrupt: after Ctrl-C.
    """
    require_place("out", file.parent)  # a folder that cannot be made is no surprise after hours
    left = missing(file, jobs)
    rows, total, done = read_rows(file), len(jobs), len(jobs) - len(left)
    fields = _fields(jobs[0]) if jobs else []
    announce(f"{done} of {total} rows of {file.stem} are there")
    for job, measured in play_all(left, play, workers=workers):
        rows.append({**job.identity, **measured})
        rows.sort(key=order or (lambda row: _key(row, fields)))
        write_rows(file, rows, data=data)
        done += 1
        announce(f"{done} of {total} rows of {file.stem} are there")
    return file


def _fields(job: Job) -> list[str]:
    return [name for name in job.identity if name != CONDITIONS]


def _key(row: Mapping[str, Any], fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in fields)
