"""`minimax-l2l solve PRESET`: the options of one preset, which are its settings and those of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Union

import tyro

from minimax_l2l.cli.terminal import say, use_one_thread
from minimax_l2l.lab.family import find_preset, load_families
from minimax_l2l.lab.preset import Preset
from minimax_l2l.lab.runs import play

CODES = {"INTERRUPTED": 130, "DIVERGED": 1}


def preset_in(words: Sequence[str]) -> str | None:
    """The preset that a command names, wherever its options stand; its first word if it names none."""
    known = {name for family in load_families().values() for name in family.presets}
    first = words[0] if words and not words[0].startswith("-") else None
    return next((word for word in words if word in known), first)


def solve_with(name: str, words: Sequence[str]) -> int:
    """Parse the options of one preset, and of no other, and solve it.

    Raises:
        ValueError: if there is no such preset; the nearest name is suggested.
    """
    preset, _ = find_preset(name, load_families())
    prog = f"minimax-l2l solve {name}"
    code: int = tyro.cli(command_of(name, preset), prog=prog, description=preset.summary, args=words)
    return code


def command_of(name: str, preset: Preset) -> Callable[..., int]:
    """The command that solves one preset."""
    kind = type(preset)
    # tyro would call settings that their own class refuses wrong usage: it fills a copy that refuses nothing.
    draft: Any = type(kind.__name__, (kind,), {"__post_init__": lambda _: None, "__module__": kind.__module__})
    filled: Preset = draft(**vars(preset))

    def command(
        *,
        settings: Preset = filled,
        out: Path | None = None,
        device: str = "auto",
        resume: bool = False,
    ) -> int:
        """Play this preset's game and keep it in a folder.

        Args:
            settings: of this preset.
            out: the run's folder; runs/PRESET/seed-N if not given.
            device: auto, cpu, cuda or cuda:N.
            resume: go on with an interrupted run.
        """
        chosen = kind(**vars(settings))
        folder = out if out is not None else Path("runs") / name / f"seed-{chosen.seed}"
        use_one_thread()
        solution = play(name, chosen, folder, resume=resume, device=device, progress=True, tensorboard=True)
        say(f"{solution.status} {solution.steps} steps, {solution.seconds:.1f} s, in {folder}")
        return CODES.get(solution.status.name, 0)

    command.__annotations__["settings"] = Annotated[draft, tyro.conf.OmitArgPrefixes]
    return command


def command_of_any() -> Callable[..., int]:
    """`solve` with every preset as a subcommand of its own, as shell completion wants to know it."""
    every = tuple(
        Annotated[Any, tyro.conf.subcommand(name=name, constructor=command_of(name, preset))]
        for family in load_families().values()
        for name, preset in family.presets.items()
    )

    def solve(run: int) -> int:
        """Play one preset's game and keep it in a folder."""
        return run

    solve.__annotations__["run"] = Union[every]  # noqa: UP007
    return solve
