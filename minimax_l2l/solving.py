"""From a preset to a run's folder: config first, then the game, resumable to the bit."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from minimax_l2l.families import Family, Settings
from minimax_l2l.training.callbacks import TensorBoard
from minimax_l2l.training.environment import describe_environment
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.runtime import Runtime
from minimax_l2l.training.solution import Solution, Status

OWN_FILES = ("metrics.jsonl", "solution.json", "evaluation.json", "policy.zip", "config.json")
OWN_FOLDERS = ("checkpoint", "model", "optimizer", "tensorboard")


def solve_preset(
    family: Family,
    preset: str,
    out: Path,
    settings: Settings,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = False,
    tensorboard: bool = False,
    on_interrupt: Literal["return", "raise"] = "return",
) -> Solution:
    """Solve a preset into a folder.

    Args:
        family: that the preset belongs to.
        preset: its name.
        out: the run's folder.
        settings: what to change in the preset.
        resume: go on with the run that is there; it must have been made with the same settings. One that was
            stopped before its first checkpoint begins again.
        overwrite: remove the run that is there first.
        device: see `Task.solve`.
        progress: show a progress bar.
        tensorboard: write TensorBoard events as well, if it is installed.
        on_interrupt: what to do once Ctrl-C has ended the run and its folder is whole: return, or go on to raise
            KeyboardInterrupt, which is right where more work would follow.

    Returns:
        The solution; what it needs to be found again is in the folder.

    Raises:
        ValueError: if the folder holds a run already and neither `resume` nor `overwrite` is asked for, if it holds
            somebody else's files of a run's names, or if the run to resume was made with other settings.
    """
    game = family.build(preset, settings)
    Runtime(device)  # refuses one that is not there before anything is written
    folder = RunFolder(out)
    config = {"preset": preset, "seed": settings.seed, "settings": settings.changes(), **game.config}
    if resume:
        _require_same(folder, config)
    else:
        _make_room(folder, overwrite=overwrite)
        folder.write_json("config.json", {**config, "environment": describe_environment()})
    wants_events = tensorboard and find_spec("tensorboard") is not None
    solution = game.task.solve(
        game.optimizer,
        out=out,
        resume=resume and folder.checkpoint_file.exists(),
        device=device,
        validate_every=game.validate_every,
        on_failure=game.on_failure,
        progress=preset if progress else None,
        callbacks=[TensorBoard(out / "tensorboard", every=10)] if wants_events else [],
    )
    if on_interrupt == "raise" and solution.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    return solution


def _require_same(folder: RunFolder, config: dict[str, Any]) -> None:
    there = folder.read_json("config.json")
    for name, value in config.items():
        if there.get(name) != value:
            raise ValueError(
                f"{folder.path} was run with {name}={there.get(name)!r}, not {value!r}; resume it with the "
                "settings it was made with, or choose another --out."
            )


def _make_room(folder: RunFolder, *, overwrite: bool) -> None:
    """Remove an earlier run's own files, its config last, and nothing else."""
    taken = [name for name in (*OWN_FOLDERS, *OWN_FILES) if (folder.path / name).exists()]
    if folder.config_file.exists():
        if not overwrite:
            raise ValueError(
                f"{folder.path} holds a run already; pass --resume to go on with it, or choose another --out."
            )
    elif taken:
        raise ValueError(
            f"{folder.path} holds {', '.join(taken)} but no config.json, so it is not a run that may be replaced; "
            "choose another --out."
        )
    for name in taken:
        if (folder.path / name).is_dir():
            shutil.rmtree(folder.path / name)
        else:
            (folder.path / name).unlink()
