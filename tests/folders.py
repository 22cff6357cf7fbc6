"""What a folder holds, to be compared."""

from pathlib import Path

from minimax_l2l import RunFolder


def files(folder: Path | str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def reseal(folder: Path | str) -> None:
    """Let the files that are in a run's folder now be the ones that its run wrote."""
    every = (path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
    RunFolder(folder).seal(*(name for name in every if name != "checksums.json"))


def unseal(folder: Path | str) -> None:
    """Let a save be one that others made, who keep no checksums."""
    (Path(folder) / "model.checksums.json").unlink()
