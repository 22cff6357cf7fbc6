"""Families of presets: how the command line finds tasks that this library never imports."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from minimax_l2l.errors import require_choice
from minimax_l2l.lab.preset import Preset

GROUP = "minimax_l2l.presets"


class ForeignModuleError(ImportError):
    """A module of the same name as one of ours lies in the way."""


@dataclass(frozen=True)
class Family:
    """A group of presets, and what can be done with their runs.

    Functions are named, `"package.module:function"`, and imported when they are asked for, so that a family is
    known without what its games need.

    Attributes:
        presets: by full name, which begins with the family's own: `adversarial/digits-pgm-10`.
        report: what a page says of runs: `report(folders, *, data) -> list[Section]`, where `data` is what they
            were trained on if that is the user's own, else None; None if no page says anything.
        benchmarks: by name: `benchmark(out, *, announce, workers) -> Path` writes a result file into the folder
            `out` and returns it.
        demo: the main job on embedded data: `demo(out, *, announce, workers) -> list[Section]`; None if the family
            has none.
    """

    presets: Mapping[str, Preset]
    report: str | None = None
    benchmarks: Mapping[str, str] = field(default_factory=dict)
    demo: str | None = None


def load_families() -> dict[str, Family]:
    """All families whose packages are installed, by name.

    Raises:
        ForeignModuleError: if a stranger's module hides one of them.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    return {name: _load(point) for name, point in sorted(points.items())}


def find_preset(name: str, families: Mapping[str, Family]) -> tuple[Preset, Family]:
    """The preset of a name and the family it belongs to.

    Raises:
        ValueError: if there is no such preset; the nearest name is suggested.
    """
    known = {preset: family for family in families.values() for preset in family.presets}
    family = known[require_choice("preset", name, known)]
    return family.presets[name], family


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
