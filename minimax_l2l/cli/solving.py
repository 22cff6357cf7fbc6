"""`minimax-l2l solve PRESET`: the options of one preset, which are its settings and those of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_type_hints

import tyro

from minimax_l2l.cli.terminal import say, use_one_thread
from minimax_l2l.lab.family import find_preset, load_families
from minimax_l2l.lab.preset import Preset, shown
from minimax_l2l.lab.reading import has_ended
from minimax_l2l.lab.runs import again, play

CODES = {"INTERRUPTED": 130, "DIVERGED": 1}
KINDS = {Path: "PATH", str: "NAME", float: "FLOAT", int: "INT"}


class Request(NamedTuple):
    """What was asked for on a command line.

    Attributes:
        settings: of the preset, not checked yet.
        out: the run's folder, if it was named.
        device: see `Task.solve`.
        resume: whether to go on with the run that is there.
    """

    settings: Any
    out: Path | None
    device: str
    resume: bool


def preset_in(words: Sequence[str]) -> str | None:
    """The preset that a command names, wherever its options stand; its first word if it names none."""
    known = {name for family in load_families().values() for name in family.presets}
    first = words[0] if words and not words[0].startswith("-") else None
    return next((word for word in words if word in known), first)


def solve_with(name: str, words: Sequence[str]) -> int:
    """Parse the options of one preset, and of no other, and solve it.

    A run that is resumed has the settings that its folder knows, where the words do not say them again.

    Raises:
        ValueError: if there is no such preset; the nearest name is suggested.
    """
    preset, _ = find_preset(name, load_families())
    asked = _parsed(name, preset, words)
    folder = asked.out if asked.out is not None else Path("runs") / name / f"seed-{asked.settings.seed}"
    if asked.resume:
        preset = again(name, preset, folder, data=getattr(asked.settings, "data", None))
        asked = _parsed(name, preset, words)
    chosen, ended = _checked(preset, asked.settings), asked.resume and has_ended(folder)
    use_one_thread()
    solution = play(name, chosen, folder, resume=asked.resume, device=asked.device, progress=True, tensorboard=True)
    told = "It had ended before, so nothing was done." if ended else solution.status
    also = f" and {solution.validation_seconds:.1f} s of validation" if solution.validation_seconds else ""
    say(f"{told} {solution.steps} steps, {solution.seconds:.1f} s{also}, in {folder}")
    if solution.validation:
        say(
            "at the last validation: "
            + ", ".join(f"{name} {value:.4g}" for name, value in solution.validation.items())
        )
    return CODES.get(solution.status.name, 0)


def command_of(preset: Preset) -> Callable[..., Request]:
    """What a preset's options are parsed with."""
    kind, hints = type(preset), get_type_hints(type(preset), include_extras=True)
    # tyro would call settings that their own class refuses wrong usage: it fills a copy that refuses nothing.
    draft: Any = type(
        kind.__name__,
        (kind,),
        {
            "__post_init__": lambda _: None,
            "__module__": kind.__module__,
            "__annotations__": {name: _readable(hints[name]) for name in shown(preset)},
        },
    )
    filled: Preset = draft(**vars(preset))

    def command(
        *,
        settings: Preset = filled,
        out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None,
        device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto",
        resume: bool = False,
    ) -> Request:
        """Play this preset's game and keep it in a folder.

        Args:
            settings: of this preset.
            out: the run's folder; runs/PRESET/seed-N if not given.
            device: auto, cpu, cuda or cuda:N.
            resume: go on with an interrupted run; its folder knows its settings.
        """
        return Request(settings, out, device, resume)

    command.__annotations__["settings"] = Annotated[draft, tyro.conf.OmitArgPrefixes]
    return command


def command_of_any() -> Callable[..., Request]:
    """`solve` with every preset as a subcommand of its own, as shell completion wants to know it."""
    every = tuple(
        Annotated[Any, tyro.conf.subcommand(name=name, constructor=command_of(preset))]
        for family in load_families().values()
        for name, preset in family.presets.items()
    )

    def solve(run: Request) -> Request:
        """Play one preset's game and keep it in a folder."""
        return run

    solve.__annotations__["run"] = Union[every]  # noqa: UP007
    return solve


def _parsed(name: str, preset: Preset, words: Sequence[str]) -> Request:
    prog = f"minimax-l2l solve {name}"
    asked: Request = tyro.cli(command_of(preset), prog=prog, description=preset.summary, args=words)
    return asked


def _checked(preset: Preset, settings: Any) -> Preset:
    """The preset with these settings; what it refuses is called by its option."""
    try:
        return type(preset)(**vars(settings))
    except (TypeError, ValueError) as error:
        told = str(error)
        for name in shown(preset):
            option = f"--{name.replace('_', '-')}"
            told = re.sub(rf"^{name}\b|(?<![\w-]){name}(?==)", option, told)
        raise type(error)(told) from error


def _readable(hint: Any) -> Any:
    """A setting's type, which help shows without the None that it may be in Python."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
    known = KINDS.get(kinds[0]) if len(kinds) == 1 else None
    if known is None:
        return hint
    named = tyro.conf.arg(metavar=known)
    if kinds[0] is not float:
        return Annotated[hint, named]
    return Annotated[hint, named, _fraction(may_be_none=NoneType in get_args(hint))]


def _number(words: Sequence[str]) -> float:
    """A number, or a fraction such as 8/255."""
    above, slash, below = words[0].partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{words[0]!r} is no number; write 0.03 or 8/255, say.") from error


def _fraction(*, may_be_none: bool) -> tyro.constructors.PrimitiveConstructorSpec[float | None]:
    """How such a number is read; the word None, where that is a choice."""
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="FLOAT",
        instance_from_str=lambda words: None if may_be_none and words == ["None"] else _number(words),
        is_instance=lambda value: isinstance(value, int | float) or (may_be_none and value is None),
        str_from_instance=lambda value: [str(value)],
    )
