"""The command `minimax-l2l`: demo, presets, solve, evaluate, report, benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from minimax_l2l.errors import DamagedRunError, NonFiniteError, require_choice
from minimax_l2l.families import Announce, Family, Settings, family_of, load_families
from minimax_l2l.report import require_report, write_report
from minimax_l2l.solving import solve_preset
from minimax_l2l.training.folder import RunFolder
from minimax_l2l.training.solution import Status

DONE, FAILED, INTERRUPTED = 0, 1, 130
_Preset = Annotated[str, tyro.conf.Positional]
_Folder = Annotated[Path, tyro.conf.Positional]
_Folders = Annotated[tuple[Path, ...], tyro.conf.Positional]

terminal = Console(markup=False, emoji=False)  # names of files and data may hold brackets and colons
notices = Console(stderr=True, markup=False, emoji=False)


def demo(*, out: Path = Path("runs/demo")) -> int:
    """Train seven classifiers of real digits against seven attackers and compare them; about three minutes.

    Args:
        out: folder of the runs, results.json and report.html.
    """
    require_report()
    with _announcing() as announce:
        for family in load_families().values():
            sections = family.demo(out, announce)
            if sections is not None:
                break
        else:
            raise ValueError("no installed package brings a demo; install minimax-l2l with its tasks.")
        write_report(out / "report.html", sections, title="A learned attacker trains a robust classifier")
    for section in sections:
        if section.brief is not None:
            _print_table(*section.brief)
            terminal.print(section.text, style="dim")
    terminal.print(f"report: {out / 'report.html'}", soft_wrap=True)
    return DONE


def presets() -> int:
    """List what can be solved."""
    rows = [[name, text] for family in load_families().values() for name, text in family.presets().items()]
    _print_table(["preset", "what it is"], rows)
    return DONE


def solve(
    preset: _Preset,
    /,
    *,
    out: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    data: Path | None = None,
    eps: float | None = None,
    epochs: int | None = None,
    inner_steps: int | None = None,
) -> int:
    """Play one preset's game and keep it in a folder.

    Args:
        preset: what to solve; `minimax-l2l presets` lists them.
        out: the run's folder; runs/PRESET/seed-N if not given.
        seed: of everything random.
        device: auto, cpu, cuda or cuda:N.
        resume: go on with an interrupted run.
        data: your own; images: a NumPy archive with x_train, y_train, x_test and y_test; demonstrations: a Minari
            dataset's folder.
        eps: radius of the threat, in units of pixels in [0, 1].
        epochs: passes over the training data; of imitation, iterations.
        inner_steps: steps of the inner optimizer.
    """
    families = load_families()
    family = family_of(preset, families)
    settings = Settings(seed=seed, data=data, eps=eps, epochs=epochs, inner_steps=inner_steps)
    target = out if out is not None else Path("runs") / preset / f"seed-{seed}"
    solution = solve_preset(
        family, preset, target, settings, resume=resume, device=device, progress=True, tensorboard=True
    )
    terminal.print(
        f"{solution.status} {solution.steps} steps, {solution.seconds:.1f} s, in {target}", soft_wrap=True
    )
    return {Status.INTERRUPTED: INTERRUPTED, Status.DIVERGED: FAILED}.get(solution.status, DONE)


def evaluate(folder: _Folder, /, *, data: Path | None = None) -> int:
    """Measure a run on its test data and write evaluation.json into its folder.

    Args:
        folder: of a run that `minimax-l2l solve` made.
        data: what it was trained on, if that is your own.
    """
    family = family_of(_preset_of(folder), load_families())
    with _announcing() as announce:
        result = family.evaluate(folder, Settings(data=data), announce)
    for row in result["rows"]:
        _print_table(["what", "value"], [[name, _shown(value)] for name, value in row.items()])
    return DONE


def report(folders: _Folders, /, *, out: Path = Path("report.html"), data: Path | None = None) -> int:
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
    require_report()
    families = load_families()
    by_family: dict[str, tuple[Family, list[Path]]] = {}
    for folder in folders:
        preset = _preset_of(folder)
        family = family_of(preset, families)
        by_family.setdefault(preset.split("/")[0], (family, []))[1].append(folder)
    with _announcing() as announce:
        announce("drawing")
        settings = Settings(data=data)
        sections = [part for family, theirs in by_family.values() for part in family.sections(theirs, settings)]
        write_report(out, sections, title="minimax-l2l report", subtitle=", ".join(f.name for f in folders))
    terminal.print(f"report: {out}", soft_wrap=True)
    return DONE


def benchmark(name: _Preset, /, *, out: Path = Path("benchmarks/results")) -> int:
    """Measure again what the documentation states; resumes what an earlier call left unfinished.

    Args:
        name: which benchmark.
        out: folder of the results.
    """
    known = {key: run for family in load_families().values() for key, run in family.benchmarks().items()}
    require_choice("benchmark", name, known)
    with _announcing() as announce:
        file = known[name](out, announce)
    terminal.print(f"results: {file}", soft_wrap=True)
    return DONE


COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "presets": presets,
    "solve": solve,
    "evaluate": evaluate,
    "report": report,
    "benchmark": benchmark,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed with a sentence, 2 wrong usage, 130 interrupted."""
    # The networks that run on a CPU here are small: a second thread costs them more than it brings.
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    try:
        code: int = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="minimax-l2l", args=arguments)
    except (ValueError, TypeError, ImportError, OSError, NonFiniteError) as error:
        notices.print(f"minimax-l2l: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        notices.print("minimax-l2l: interrupted.", markup=False)
        return INTERRUPTED
    return code


@contextmanager
def _announcing() -> Iterator[Announce]:
    columns = TextColumn("{task.description}"), BarColumn(pulse_style="cyan"), TimeElapsedColumn()
    with Progress(*columns, console=notices, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda text: progress.update(task, description=text)


def _preset_of(folder: Path) -> str:
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; give one that `minimax-l2l solve` wrote.")
    preset = RunFolder(folder).read_json("config.json").get("preset")
    if not isinstance(preset, str):
        raise DamagedRunError(
            f"{folder / 'config.json'} names no preset, so it is not of a whole run; solve it again in "
            "another folder."
        )
    return preset


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table()
    for place, title in enumerate(titles):
        table.add_column(title, no_wrap=place == 0)
    for row in rows:
        table.add_row(*row)
    terminal.print(table)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def entry() -> None:
    """What the installed command calls."""
    sys.exit(main())
