"""A bar for who waits for meta-training."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Waiting:
    """How far it is, how long it took, and the time that is left; silent where the output is no terminal.

    Args:
        title: in front of the bar.
        updates: how many episodes there will be, if it goes by number.
        seconds: how long it will take, if it goes by the clock.
    """

    def __init__(self, title: str, updates: int | None, seconds: float) -> None:
        self._by_number = updates is not None
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[episodes]} episodes"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=seconds if updates is None else updates, episodes=0)

    def __enter__(self) -> Waiting:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, updates: int, seconds: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=updates if self._by_number else seconds, episodes=updates)
