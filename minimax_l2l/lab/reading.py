"""A run's folder, read back: what it says, and the task as the run left it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from minimax_l2l.checksums import Checksums
from minimax_l2l.errors import DamagedRunError, require_a
from minimax_l2l.lab.advice import resuming

if TYPE_CHECKING:
    from minimax_l2l.task import Task

Made = TypeVar("Made", bound="Task")


def read_whole(folder: Path, name: str, fields: Sequence[str]) -> dict[str, Any]:
    """One of the JSON files of a run's folder.

    Raises:
        DamagedRunError: if it is missing or damaged, or lacks one of the fields.
        ValueError: if the folder is not there.
    """
    folder = require_folder(folder)
    content = Checksums(folder).read_json(name)
    if missing := [field for field in fields if field not in content]:
        raise DamagedRunError(
            f"{folder / name} lacks {', '.join(missing)}, so it is not of a whole run; solve it again in another "
            "folder."
        )
    return content


def require_folder(folder: Path | str) -> Path:
    """A folder that is there.

    Raises:
        TypeError: if it is no path.
        ValueError: if it is not there.
    """
    path = Path(require_a("folder", folder, (str, Path), "a run's folder", "pass its path"))
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}; give one that `minimax-l2l solve` wrote.")
    return path


def has_ended(folder: Path) -> bool:
    """Whether the run in a folder has gone through all its batches.

    Raises:
        DamagedRunError: if what it says of its end is damaged.
    """
    if not (folder / "solution.json").is_file():
        return False
    status: str = read_whole(folder, "solution.json", ("status",))["status"]
    return status == "completed"


def read_solution(folder: Path) -> dict[str, Any]:
    """How a run ended and what it cost: status, steps, seconds, passes.

    Raises:
        DamagedRunError: if the file is missing or damaged.
        ValueError: if the run was interrupted, so that there is nothing to measure yet.
    """
    solution = read_whole(folder, "solution.json", ("status", "steps", "seconds", "passes"))
    if solution["status"] == "interrupted":
        raise ValueError(
            f"{folder} holds a run that was interrupted after {solution['steps']} steps; finish it with "
            f"`{resuming(folder)}` first."
        )
    return solution


def as_left(folder: Path, make: Callable[[], Made]) -> Made:
    """A task as a run left it, read from its checkpoint, which holds tensors and plain values alone.

    Args:
        folder: of the run.
        make: builds the task as it was at the start.

    Raises:
        DamagedRunError: if the checkpoint is missing or damaged.
    """
    from minimax_l2l.training.folder import RunFolder

    state = RunFolder(folder).read_checkpoint()
    try:
        task = make()
        task.load_state_dict(state["task"])
    except (LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise DamagedRunError(
            f"{folder} holds a damaged run ({type(error).__name__} in reading its checkpoint); solve it again in "
            "another folder."
        ) from error
    return task
