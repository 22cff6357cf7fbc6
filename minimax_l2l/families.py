"""Families of presets: how the command line finds tasks that this library never imports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from minimax_l2l.errors import require_choice, require_count
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.task import Task

GROUP = "minimax_l2l.presets"
MOST_SEEDS = 2**32
Announce = Callable[[str], None]


class ForeignModuleError(ImportError):
    """A module of the same name as one of ours lies in the way."""


@dataclass(frozen=True)
class Settings:
    """What the command line may change in a preset; None keeps the preset's own value.

    Attributes:
        seed: of everything random.
        data: a data file or folder, where one is needed or wanted.
        eps: radius of the threat.
        epochs: passes over the training data.
        inner_steps: K, the inner optimizer's steps.

    Raises:
        ValueError: if the seed is negative or takes more than 32 bits.
    """

    seed: int = 0
    data: Path | None = None
    eps: float | None = None
    epochs: int | None = None
    inner_steps: int | None = None

    def __post_init__(self) -> None:
        require_count("seed", self.seed)
        if self.seed >= MOST_SEEDS:
            raise ValueError(f"seed must lie below {MOST_SEEDS}, got {self.seed}; pass a smaller one.")

    def changes(self) -> dict[str, Any]:
        """What is not the preset's own, as `config.json` keeps it; a data file by its name alone."""
        kept = {name: value for name, value in vars(self).items() if value is not None}
        return kept | ({"data": self.data.name} if self.data is not None else {})


@dataclass
class Game:
    """A preset made ready.

    Attributes:
        task: to be solved.
        optimizer: to hand to its `solve`.
        config: what else the run's config should keep.
        validate_every: see `Task.solve`.
        on_failure: see `Task.solve`; "stop" where a run that diverges is a result as well.
    """

    task: Task
    optimizer: InnerOptimizer
    config: dict[str, Any] = field(default_factory=dict)
    validate_every: int = 0
    on_failure: Literal["raise", "stop"] = "raise"


@dataclass(frozen=True)
class Section:
    """A part of a report: a heading, words, and a table or a picture.

    Attributes:
        title: the heading.
        text: words under it, plain text.
        table: column names and rows; None for no table.
        figure: a picture as SVG text; None for no picture.
        brief: the table in less than 80 characters a line, for a terminal; None if there is none.
    """

    title: str
    text: str = ""
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None
    figure: str | None = None
    brief: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None


class Family(Protocol):
    """A group of presets and what can be done with their runs."""

    def presets(self) -> Mapping[str, str]:
        """One-line summaries by preset name, the family's own name included: `adversarial/digits-pgm-10`."""

    def build(self, preset: str, settings: Settings) -> Game:
        """Make a preset ready to be solved."""

    def evaluate(self, folder: Path, settings: Settings, announce: Announce) -> dict[str, Any]:
        """Measure a run; what is returned becomes its `evaluation.json`."""

    def sections(self, folders: Sequence[Path], settings: Settings) -> list[Section]:
        """What a report says of some runs; `settings` names data of one's own."""

    def benchmarks(self) -> Mapping[str, Callable[[Path, Announce], Path]]:
        """Benchmarks by name; each writes its results under a folder and says where."""

    def demo(self, out: Path, announce: Announce) -> list[Section] | None:
        """The main job on embedded data; None if this family has none."""


def load_families() -> dict[str, Family]:
    """All families whose packages are installed, by name.

    Raises:
        ForeignModuleError: if a stranger's module hides one of them.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    return {name: _load(point) for name, point in sorted(points.items())}


def family_of(preset: str, families: Mapping[str, Family]) -> Family:
    """The family that a preset's name belongs to.

    Raises:
        ValueError: if there is no such preset; the nearest name is suggested.
    """
    known = {name: family for family in families.values() for name in family.presets()}
    return known[require_choice("preset", preset, known)]


def _load(point: EntryPoint) -> Family:
    top = point.module.split(".")[0]
    spec = find_spec(top)
    home = Path(str(point.dist.locate_file(top))).resolve() if point.dist is not None else None
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
    hidden = spec is not None and not any(_holds(place, point.module) for place in places)
    if hidden or (home is not None and home.is_dir() and places and home not in places):
        where = spec.origin if spec is not None else sys.path[0]
        raise ForeignModuleError(
            f"the module {top!r} that Python finds first is {where}, not the one {point.value} belongs to; "
            f"run the command `minimax-l2l` from another folder, or rename that file."
        )
    try:
        family: Family = point.load()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != top:
            raise
        raise ForeignModuleError(
            f"the package {top!r} that Python finds first has no {error.name}, so it is not the one that "
            f"{point.value} belongs to; run the command `minimax-l2l` from another folder, or rename that package."
        ) from error
    return family


def _holds(package: Path, module: str) -> bool:
    """Whether a package's folder holds what comes after its own name in a module's; seen without importing it."""
    below = module.split(".")[1:2]
    return not below or any(package.glob(f"{below[0]}*"))
