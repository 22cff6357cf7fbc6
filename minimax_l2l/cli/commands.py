"""The commands, one function each: what a function takes is what the command line shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import tyro

from minimax_l2l.cli.solving import solve_with
from minimax_l2l.cli.terminal import print_table, say, terminal, use_one_thread, working
from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.files import require_place
from minimax_l2l.lab import runs
from minimax_l2l.lab.answers import require_sections
from minimax_l2l.lab.facts import require_same_data
from minimax_l2l.lab.family import load_families, load_function
from minimax_l2l.lab.pool import EVERY_CORE, require_workers
from minimax_l2l.lab.preset import Announce
from minimax_l2l.lab.report import require_report, write_report

LONG = 100  # presets in a list, beyond which those of one kin share a line
_Preset = Annotated[str, tyro.conf.arg(metavar="PRESET")]
_Name = Annotated[str, tyro.conf.arg(metavar="NAME")]
_Folder = Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
_Folders = Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FOLDER...")]
_Words = Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORD...")]
_Data = Annotated[Path | None, tyro.conf.arg(metavar="PATH")]
_Device = Annotated[str, tyro.conf.arg(metavar="NAME")]
_Tier = Annotated[str | None, tyro.conf.arg(metavar="standard|quick")]
_Count = Annotated[int | None, tyro.conf.arg(metavar="INT")]
_Scale = Annotated[str | None, tyro.conf.arg(metavar="NAME")]


def demo(*, out: Path = Path("runs/demo"), jobs: int = EVERY_CORE) -> None:
    """Train seven classifiers of real digits, each in its own way, attack and compare them; about five minutes.

    Args:
        out: folder of the runs, results.json and report.html.
        jobs: how many classifiers are attacked at a time; -1 is one per core.
    """
    require_workers("--jobs", jobs)
    require_place("out", out)
    require_report()
    name = next((family.demo for family in load_families().values() if family.demo is not None), None)
    if name is None:
        raise ValueError("no installed package brings a demo; install minimax-l2l with its tasks.")
    use_one_thread()
    with working() as announce:
        sections = require_sections(name, load_function(name)(out, announce=announce, workers=jobs))
        write_report(out / "report.html", sections, title="Which attacker trains a robust classifier?")
    for section in sections:
        if section.brief is not None:
            print_table(*section.brief)
            terminal.print(section.text, style="dim")
    say(f"report: {out / 'report.html'}")


def presets(words: _Words = (), /) -> None:
    """Say which families of presets there are, or list those presets whose line holds some words.

    Args:
        words: list the presets whose line holds all of them, such as the name of a family.
    """
    families = {name: family.presets for name, family in load_families().items() if family.presets}
    if not families:
        raise ValueError("no installed package brings presets; install minimax-l2l with its tasks.")
    if not words:
        counts = [[name, str(len(known)), next(iter(known))] for name, known in families.items()]
        print_table(["family", "presets", "the first of them"], counts)
        say(f"`minimax-l2l presets {next(iter(families))}` lists a family's; more words list fewer.")
        return
    rows = {(name, one.summary): one for known in families.values() for name, one in known.items()}
    shown = {row: one for row, one in rows.items() if all(word.lower() in " ".join(row).lower() for word in words)}
    if not shown:
        raise ValueError(
            f"there is no preset whose line holds {' and '.join(words)}; `minimax-l2l presets` says which families "
            "there are."
        )
    long = len(shown) > LONG
    lines = dict.fromkeys(one.kin or row if long else row for row, one in shown.items())  # kin's line is one
    print_table(["preset", "what it is"], [*lines])
    if len(lines) < len(shown):
        say(f"That is {len(shown)} presets; more words list fewer, one by one.")


def solve(preset: _Preset, /) -> int:
    """Play one preset's game and keep it in a folder; `solve PRESET --help` shows that preset's settings.

    Args:
        preset: what to solve; `minimax-l2l presets WORD...` lists those whose line holds some words.
    """
    return solve_with(preset, [])


def evaluate(
    folder: _Folder,
    /,
    *,
    device: _Device = "auto",
    batch_size: int = 256,
    tier: _Tier = None,
    images: _Count = None,
    random_draws: _Count = None,
    data: _Data = None,
) -> None:
    """Measure a run on its test data and write evaluation.json into its folder; goes on where it was interrupted.

    Args:
        folder: of a run that `minimax-l2l solve` made.
        device: auto, cpu, cuda or cuda:N.
        batch_size: how many images or games are measured at a time.
        tier: of AutoAttack, for classifiers: standard, or quick, which is APGD-CE and APGD-T alone; standard if not
            given.
        images: how many test images at most are attacked, for classifiers, chosen at random, the same ones every
            time; all if not given.
        random_draws: how many random perturbations of each of the first 100 images are tried, for classifiers,
            such as 10000; none if not given.
        data: what it was trained on, if that is your own.
    """
    require_count("--batch-size", batch_size, least=1)
    if images is not None:
        require_count("--images", images, least=1)
    if random_draws is not None:
        require_count("--random-draws", random_draws)
    families = load_families()
    runs.preset_of(folder, families, data=data)  # what is wrong with it is said before torch is there
    use_one_thread()
    with _measuring(folder / "evaluation.parts.json") as announce:
        result = runs.evaluate(
            folder,
            families,
            data=data,
            device=device,
            batch_size=batch_size,
            tier=tier,
            images=images,
            random_draws=random_draws,
            announce=announce,
        )
    ends = result.get("intervals", {})
    for row in result["rows"]:
        print_table(["what", "value"], [[name, _shown(value, ends.get(name))] for name, value in row.items()])
    if ends:
        say("In brackets: intervals, at 95 % unless the family says otherwise.")
    for flag in result.get("flags", ()):
        say(f"note: {flag}.")


def audit(
    folder: _Folder,
    /,
    *,
    device: _Device = "auto",
    batch_size: int = 256,
    images: int = 200,
    data: _Data = None,
) -> int:
    """Ask whether a run's robustness is real or its gradients are masked, and write audit.json into its folder.

    Exit code 1 if a check failed.

    Args:
        folder: of a run that `minimax-l2l solve` made.
        device: auto, cpu, cuda or cuda:N.
        batch_size: how many images are attacked at a time.
        images: how many test images are attacked, at most.
        data: what it was trained on, if that is your own.
    """
    require_count("--batch-size", batch_size, least=1)
    require_count("--images", images, least=1)
    families = load_families()
    _, family = runs.preset_of(folder, families, data=data)  # what is wrong is said before torch is there
    runs.require_auditable(folder, family)
    use_one_thread()
    with _measuring(folder / "audit.parts.json") as announce:
        result = runs.audit(
            folder,
            families,
            data=data,
            device=device,
            batch_size=batch_size,
            images=images,
            announce=announce,
        )
    titles = ["check", "outcome", "numbers", "what it means"]
    print_table(titles, [_line(item) for item in result["items"]])
    for flag in result.get("flags", ()):
        say(f"also: {flag}")
    failed = sum(item["outcome"] == "failed" for item in result["items"])
    say(f"{failed} of {len(result['items'])} checks failed" if failed else "no check failed")
    return int(failed > 0)


def report(folders: _Folders, /, *, out: Path = Path("report.html"), data: _Data = None) -> None:
    """Write one self-contained HTML page about some evaluated runs.

    Args:
        folders: of the runs.
        out: the page.
        data: what they were trained on, if that is your own.
    """
    if not folders:
        raise ValueError(
            "a report needs at least one run's folder; name those that `minimax-l2l evaluate` measured."
        )
    require_place("out", out.parent)
    require_report()
    families = load_families()
    if data is not None and not data.exists():
        raise ValueError(f"there is no {data}; --data is what the runs were trained on.")
    if data is not None and not any(map(runs.own_data, folders)):
        raise ValueError("none of these runs was trained on data of your own; leave --data out.")
    by_page: dict[str, list[Path]] = {}
    for folder in folders:
        family = runs.family_of(folder, families)
        if family.report is None:
            raise ValueError(
                f"{folder} holds a run of a family that has no report; leave it out, or name a function in "
                "Family(report=...)."
            )
        by_page.setdefault(family.report, []).append(folder)
    use_one_thread()
    with working() as announce:
        for folder in folders if data is not None else ():
            if runs.own_data(folder) is not None:
                announce(f"reading the data of {folder.name}")
                require_same_data(runs.preset_of(folder, families, data=data)[0], folder)
        announce("drawing")
        sections = [
            section
            for name, theirs in by_page.items()
            for section in require_sections(name, load_function(name)(theirs, data=data))
        ]
        write_report(out, sections, title="minimax-l2l report", subtitle=", ".join(one.name for one in folders))
    say(f"report: {out}")


def benchmark(
    name: _Name = "",
    /,
    *,
    out: Path = Path("benchmarks/results"),
    jobs: int = EVERY_CORE,
    data: _Data = None,
    scale: _Scale = None,
    device: _Device | None = None,
) -> None:
    """Measure again what the documentation states; resumes what an earlier call left unfinished.

    Args:
        name: which benchmark; without a name, all names are listed.
        out: folder of the results.
        jobs: how many runs are played at a time; -1 is one per core.
        data: what it is measured on, for a benchmark on data of your own.
        scale: how large it is, for a benchmark that has several: paper-tables has cpu, gpu and paper.
        device: auto, cpu, cuda or cuda:N, for a benchmark that asks for one.
    """
    require_workers("--jobs", jobs)
    require_place("out", out)
    known = {key: run for family in load_families().values() for key, run in family.benchmarks.items()}
    if not name:
        say("\n".join(["Name one of these; `minimax-l2l benchmark NAME` goes on where it was stopped:", *known]))
        return
    require_choice("benchmark", name, known)
    use_one_thread()
    measure = load_function(known[name])
    options = {"data": data, "scale": scale, "device": device}
    asked = {option: value for option, value in options.items() if value is not None}
    if strange := sorted(asked.keys() - signature(measure).parameters.keys()):
        raise ValueError(f"the benchmark {name} takes no --{strange[0]}; leave it out.")
    try:
        with working() as announce:
            file = measure(out, announce=announce, workers=jobs, **asked)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted; the same command goes on from what was finished.") from None
    say(f"results: {file}")


COMMANDS: dict[str, Callable[..., Any]] = {
    command.__name__: command for command in (demo, presets, solve, evaluate, audit, report, benchmark)
}


@contextmanager
def _measuring(parts: Path) -> Iterator[Announce]:
    """Work that leaves finished parts in a file, so that Ctrl-C can say what comes of it."""
    try:
        with working() as announce:
            yield announce
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "interrupted; the same command goes on from what has been measured."
            if parts.exists()
            else "interrupted before anything was measured; the same command begins again."
        ) from None


def _line(item: Mapping[str, Any]) -> list[str]:
    numbers = "\n".join(f"{name} {_shown(value)}" for name, value in item["numbers"].items())
    return [item["name"], item["outcome"], numbers, item["meaning"]]


def _shown(value: object, ends: Sequence[float] | None = None) -> str:
    """A value, and its interval in brackets."""
    told = f"{value:.4g}" if isinstance(value, float) else str(value)
    return told if ends is None else f"{told} ({ends[0]:.3g} to {ends[1]:.3g})"
