"""Whose warning it is: what is warned of during a run bears the run's name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def warnings_of(name: str, folder: Path | str) -> Iterator[None]:
    """Begin every warning that is shown meanwhile with the run it is about.

    Like `warnings.catch_warnings`, this is for one thread at a time.

    Args:
        name: the preset's full name.
        folder: of the run, which tells two runs of a preset apart.
    """

    def show_named(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        show(UserWarning(f"{name} in {folder}: {message}"), category, filename, lineno, file, line)

    with warnings.catch_warnings():  # what was shown of another run is shown of this one again
        show = warnings.showwarning
        warnings.showwarning = show_named
        try:
            yield
        finally:
            warnings.showwarning = show
