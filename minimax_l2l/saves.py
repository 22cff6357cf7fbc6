"""What `save_pretrained` leaves in a folder: nothing is replaced unasked, and a file that is another is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from minimax_l2l.checksums import Checksums
from minimax_l2l.errors import DamagedRunError, require_flag
from minimax_l2l.files import drafted, require_place

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FILES = (CONFIG, WEIGHTS)
README = "README.md"


class SavedChecksums(Checksums):
    """The checksums of one save's files."""

    file_name = "model.checksums.json"  # goes with the weights to wherever they are copied
    _as_left, _another, _whole = "it was saved", "another save's", "what was saved"
    _again = "save it again"


@contextmanager
def saving(name: str, folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """A draft to write `config.json` and `model.safetensors` to, which appear in a folder with their checksums.

    Args:
        name: of the argument that names the folder.
        folder: to save to.
        overwrite: whether files of these names that are there are replaced; those of a run never are.

    Raises:
        DamagedRunError: if nobody knows which files a run there has written.
        NoRoomError: if there is no room; what was saved there before is whole.
        ValueError: if there are such files, or the folder cannot be written to.
    """
    require_flag("overwrite", overwrite)
    require_place(name, folder)
    require_no_run(name, folder, FILES)
    require_free(name, folder, FILES, overwrite=overwrite)
    with drafted(folder, kept=(README,)) as draft:
        yield draft
        if (draft / CONFIG).is_file():
            SavedChecksums(draft).seal(FILES)


def require_free(name: str, folder: Path, files: Iterable[str], *, overwrite: bool) -> None:
    """Refuse to replace files unasked.

    Args:
        name: of the argument that names the folder.
        folder: to save to.
        files: that would be written.
        overwrite: whether they may be replaced.

    Raises:
        ValueError: if one of them is there and may not.
    """
    taken = [file for file in files if (folder / file).exists()]
    if taken and not overwrite:
        raise ValueError(
            f"{name}={folder} holds {' and '.join(taken)} already; pass overwrite=True to replace what was saved "
            "there, or choose another folder."
        )


def require_saved(folder: Path, kind: str, advice: str) -> None:
    """Refuse a folder to which nothing was saved, or whose files are no longer those that were.

    What others saved has no checksums.

    Args:
        folder: which is there.
        kind: of what was saved, in words.
        advice: what to do if nothing was.

    Raises:
        DamagedRunError: if a file is not as it was saved or as a run wrote it, or gone.
        FileNotFoundError: if nobody knows that there was such a file.
    """
    _require_of_run(folder)
    checksums = SavedChecksums(folder)
    for file in FILES:
        if checksums.file.exists():
            _require_there(checksums, folder, file, "save it again")
        elif not (folder / file).is_file():
            raise FileNotFoundError(f"{folder} holds no {file}, so it is no saved {kind}; {advice}.")


def _require_of_run(folder: Path) -> None:
    """Refuse files within a run's folder that are not as the run wrote them; all others are let through."""
    place = folder.resolve()
    run = Checksums(place.parent)
    for file in FILES:
        if run.lists(f"{place.name}/{file}"):
            _require_there(run, place.parent, f"{place.name}/{file}", "solve again in another folder")


def _require_there(checksums: Checksums, folder: Path, file: str, otherwise: str) -> None:
    try:
        checksums.require(file)
    except FileNotFoundError as error:
        raise DamagedRunError(f"{folder} holds no {file} any more; put it back, or {otherwise}.") from error


def require_no_run(name: str, folder: Path, files: Iterable[str]) -> None:
    """Refuse to save over files that a run has written, which would no longer be its own.

    Args:
        name: of the argument that names the folder.
        folder: to save to, which may be a run's or one within a run's.
        files: that would be written.

    Raises:
        DamagedRunError: if nobody knows which files the run there has written.
        ValueError: if one of these is among them.
    """
    place = folder.resolve()
    for run, within in ((place, ""), (place.parent, f"{place.name}/")):
        taken = [file for file in files if Checksums(run).lists(f"{within}{file}")]
        if taken:
            raise ValueError(
                f"{name}={folder} holds {' and '.join(taken)} of a run, which would be replaced and the run lost; "
                f"save to a folder of its own, such as {run.name}-saved."
            )
