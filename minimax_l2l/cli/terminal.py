"""What the commands write to a terminal: tables and results to standard output, progress and errors beside it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from minimax_l2l.lab.preset import Announce

SILENCE = 60.0  # seconds between two lines of a log

# Of several processes that torchrun has started, the first one speaks for all.
_QUIET = os.environ.get("RANK", "0") != "0"
terminal = Console(markup=False, emoji=False, quiet=_QUIET)  # names of files and data may hold brackets and colons
notices = Console(stderr=True, markup=False, emoji=False)


def say(words: str) -> None:
    """One line, never broken."""
    terminal.print(words, soft_wrap=True)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose first column is never broken."""
    table = Table(Column(titles[0], no_wrap=True), *titles[1:])
    for row in rows:
        table.add_row(*row)
    terminal.print(table)


@contextmanager
def working() -> Iterator[Announce]:
    """A line that says what is being done for as long as it is done; in a log, one a minute at most."""
    if not notices.is_terminal:
        yield _Log()
        return
    columns = TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn()
    with Progress(*columns, console=notices, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda text: progress.update(task, description=text)


class _Log:
    """Says what is being done, if nothing was said for a minute."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, words: str) -> None:
        if not _QUIET and time.monotonic() - self._said >= SILENCE:
            notices.print(words, soft_wrap=True)
            self._said = time.monotonic()


def use_one_thread() -> None:
    """The networks that run on a CPU here are small: a second thread costs them more than it brings."""
    import torch

    if not torch.cuda.is_available():
        torch.set_num_threads(1)


def as_options(sentence: str) -> str:
    """What Python is told to pass, as options of the command line, which never replaces a run."""
    for replacing in (" overwrite=True to replace it,", ", or pass overwrite=True to replace it"):
        sentence = sentence.replace(replacing, "")
    sentence = sentence.replace("resume=True", "--resume")
    return re.sub(r"\bout=", "--out", sentence)
