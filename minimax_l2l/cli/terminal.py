"""What the commands write to a terminal: tables and results to standard output, progress and errors beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from minimax_l2l.lab.preset import Announce

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
    """A line that says what is being done for as long as it is done."""
    columns = TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn()
    with Progress(*columns, console=notices, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda text: progress.update(task, description=text)


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
