"""What may watch a run: progress on the terminal, curves in TensorBoard, anyone's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from minimax_l2l.arguments import Shown
from minimax_l2l.errors import require_a, require_count
from minimax_l2l.extras import require_extra
from minimax_l2l.files import require_place, room_for

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Callback(Protocol):
    """Called after each step of a run; may read everything and change nothing.

    One that is a context manager as well is entered when the run begins and left when it ends, however it ends.
    """

    def __call__(self, row: Mapping[str, float]) -> None:
        """See a step's row: `step`, `objective`, what the task adds. Reading a number waits for the device."""


class ProgressBar:
    """A bar with the objective beside it, on a terminal; silent where the output is not one.

    Without a `total` number of steps it has no end; `done` are those already taken.
    """

    def __init__(self, title: str, *, total: int | None, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("objective {task.fields[objective]:.3f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(title, total=total, completed=done, objective=float("nan"))

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, row: Mapping[str, float]) -> None:
        """Move the bar; the objective is read every tenth step."""
        self._progress.update(self._task, completed=row["step"])
        if row["step"] % 10 == 1:
            self._progress.update(self._task, objective=row["objective"])


class TensorBoard(Shown):
    """Each number of each row as a TensorBoard scalar; needs the `report` extra.

    Args:
        folder: where the event files go.
        every: steps between two rows that are written; rows with a validation are always written.
    """

    def __init__(self, folder: Path | str, *, every: int = 1) -> None:
        require_extra("tensorboard", extra="report", purpose="writing TensorBoard events")
        self.folder = require_a("folder", folder, (str, Path), "a folder", "pass its path")
        require_place("folder", Path(self.folder))
        self.every = require_count("every", every, least=1)
        self._writer: SummaryWriter | None = None  # made with the first row: a run that never begins writes nothing

    def __enter__(self) -> TensorBoard:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with room_for(Path(self.folder)):
                self._writer.close()  # what it still holds is written now

    def __call__(self, row: Mapping[str, float]) -> None:
        """Write one row, if it is its turn."""
        if int(row["step"]) % self.every and not any(name.startswith("validation") for name in row):
            return
        with room_for(Path(self.folder)):
            if self._writer is None:
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(str(self.folder))
            for name, value in row.items():
                if name != "step":
                    self._writer.add_scalar(name, value, int(row["step"]))
