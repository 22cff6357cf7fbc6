"""Families of presets: how the command line finds tasks that this library never imports."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from minimax_l2l.errors import require_a, require_choice
from minimax_l2l.extras import MissingExtraError
from minimax_l2l.lab.preset import Preset, shown

GROUP = "minimax_l2l.presets"


class BrokenFamilyError(ImportError):
    """An installed package names a family that cannot be loaded."""


class ForeignModuleError(BrokenFamilyError):
    """A module of the same name as a family's lies in the way."""


class LeftOut(NamedTuple):
    """Families that cannot be loaded, all for one reason.

    Attributes:
        names: of the families.
        reason: what is wrong, in words that are the same for all of them.
    """

    names: list[str]
    reason: BrokenFamilyError

    def sentence(self) -> str:
        """What is said of them."""
        return f"the presets {', '.join(map(repr, self.names))} are left out, because {self.reason}"


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
            `out` and returns it. It may take `data`, a Path, `scale` and `device`, strings, as well: what the
            command line was given under these names, if anything.
        demo: the main job on embedded data: `demo(out, *, announce, workers) -> list[Section]`; None if the family
            has none.
        audit: whether what a run seems to be worth is real: `audit(preset, folder, *, device, batch_size, images,
            announce) -> dict`, which becomes `audit.json`; its "items" are dicts of "name", "outcome" (passed,
            failed or not applicable), "numbers" and "meaning". None if the family has none.

    Raises:
        TypeError: if one of these is something else.
    """

    presets: Mapping[str, Preset]
    report: str | None = None
    benchmarks: Mapping[str, str] = field(default_factory=dict)
    demo: str | None = None
    audit: str | None = None

    def __post_init__(self) -> None:
        require_a("presets", self.presets, Mapping, "presets by full name", "pass a dict")
        for name, preset in self.presets.items():
            require_a("each name of presets", name, str, "a string", "pass 'family/name'")
            require_a(f"presets[{name!r}]", preset, Preset, "a Preset", "pass an instance of your subclass")
        function = "pass 'package.module:function'"
        require_a("benchmarks", self.benchmarks, Mapping, "functions' names by name", "pass a dict")
        for named in (self.report, self.demo, self.audit, *self.benchmarks.values()):
            if named is not None:
                require_a("each of report, demo, audit and benchmarks", named, str, "a function's name", function)


def load_families(*names: str) -> dict[str, Family]:
    """The families whose packages are installed, by name: all of them, or those of some names.

    Those that cannot be loaded are left out, and a `UserWarning` says why, one for each thing that is wrong.
    """
    families, broken = _sorted_out(names)
    for left_out in broken:
        warnings.warn(left_out.sentence(), stacklevel=1)  # the same place whoever asks, so that it is said once
    return families


def find_preset(name: str, families: Mapping[str, Family]) -> tuple[Preset, Family]:
    """The preset of a name and the family it belongs to.

    Raises:
        BrokenFamilyError: if its family cannot be loaded.
        ValueError: if there is no such preset; the nearest name is suggested.
    """
    known = {preset: family for family in families.values() for preset in family.presets}
    if isinstance(name, str) and name not in known and family_name(name) not in families:
        for left_out in _sorted_out()[1]:
            if family_name(name) in left_out.names:
                raise type(left_out.reason)(left_out.sentence()) from left_out.reason
    if isinstance(name, str) and (alone := name.rstrip("/")) in families and families[alone].presets:
        raise ValueError(
            f"{alone!r} is a family of presets; choose one of them, such as "
            f"{next(iter(families[alone].presets))!r}: `minimax-l2l presets {alone}` lists them all."
        )
    longer = [one for one in known if isinstance(name, str) and one.startswith(f"{name}-")]
    if len(longer) > 1 and name not in known:
        raise ValueError(
            f"there is no preset {name!r}, and {len(longer)} whose names go on from there, such as {longer[0]!r}; "
            f"`minimax-l2l presets {name}` lists them."
        )
    family = known[require_choice("preset", name, known)]
    return family.presets[name], family


def require_own_name(name: str, preset: Preset) -> None:
    """Refuse a preset under another one's name: whoever evaluates its run would take it for that one.

    A name that no installed family knows may be anything.

    Raises:
        TypeError: if the name is no string, or the preset is none.
        ValueError: if an installed family has another preset of that name.
    """
    require_a("name", name, str, "the preset's full name", "pass 'family/name'")
    require_a("preset", preset, Preset, "a Preset", "pass one of a family's presets")
    family = load_families(family_name(name)).get(family_name(name))
    known = family.presets.get(name) if family is not None else None
    if known is None:
        return
    for hidden in [one.name for one in fields(known) if one.name not in shown(known)]:
        own, given = getattr(known, hidden), getattr(preset, hidden, None)
        if own != given:
            raise ValueError(
                f"preset has {hidden}={given!r}, but the preset of the name {name!r} has {hidden}={own!r}, so that "
                "its run would be evaluated as another one's; pass the preset's own name."
            )


def family_name(preset: str) -> str:
    """The name of the family that a preset of this name belongs to."""
    return preset.partition("/")[0]


def load_function(name: str) -> Callable[..., Any]:
    """A function that a family names, `"package.module:function"`.

    Raises:
        BrokenFamilyError: if it is not there.
        MissingExtraError: if it needs what is not installed.
    """
    try:
        function = resolve_name(name)
    except MissingExtraError:
        raise
    except (ImportError, AttributeError, ValueError) as error:
        raise BrokenFamilyError(
            f"the function {name!r} that a family names cannot be loaded ({error}); name one that can be imported "
            "as 'package.module:function'."
        ) from error
    if not callable(function):
        raise BrokenFamilyError(f"{name!r}, which a family names, is no function; name one.")
    return function  # type: ignore[no-any-return]


def _sorted_out(names: Collection[str] = ()) -> tuple[dict[str, Family], list[LeftOut]]:
    """All families, or those of some names, and which of them cannot be loaded."""
    families: dict[str, Family] = {}
    broken: dict[str, LeftOut] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if names and point.name not in names:
            continue
        try:
            families[point.name] = _load(point)
        except BrokenFamilyError as error:
            broken.setdefault(str(error), LeftOut([], error)).names.append(point.name)
    return families, list(broken.values())


def _load(point: EntryPoint) -> Family:
    """The family that an installed package names.

    Raises:
        BrokenFamilyError: whatever is wrong with it.
    """
    try:
        family: Family = require_a(point.value, _imported(point), Family, "a Family", "make one")
        if strange := [name for name in family.presets if family_name(name) != point.name]:
            raise ValueError(
                f"the preset {strange[0]!r} must begin with '{point.name}/', after the name of its entry point"
            )
    except ForeignModuleError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        package = point.dist.name if point.dist is not None else _top(point)
        raise BrokenFamilyError(
            f"the package {package} cannot be loaded ({type(error).__name__}: {str(error).rstrip('.')}); mend that "
            "package, or uninstall it."
        ) from error
    return family


def _imported(point: EntryPoint) -> Any:
    top = _top(point)
    spec = find_spec(top)
    home = Path(str(point.dist.locate_file(top))).resolve() if point.dist is not None else None
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
    inside = "." in point.module  # a family may also be a module by itself
    hidden = inside and spec is not None and not any(_holds(place, point.module) for place in places)
    if hidden or (home is not None and home.is_dir() and places and home not in places):
        where = spec.origin if spec is not None and spec.origin is not None else places[0]
        raise ForeignModuleError(
            f"the module {top!r} that Python finds first is {where}, not the one that they belong to; run the "
            "command `minimax-l2l` from another folder, or rename that file."
        )
    try:
        return point.load()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != top:
            raise
        raise ForeignModuleError(
            f"the package {top!r} that Python finds first has no {error.name}, so it is not the one that they "
            "belong to; run the command `minimax-l2l` from another folder, or rename that package."
        ) from error


def _top(point: EntryPoint) -> str:
    """The package that a family's module is in."""
    return point.module.split(".")[0]


def _holds(package: Path, module: str) -> bool:
    """Whether a package's folder holds what comes after its own name in a module's; seen without importing it."""
    below = module.split(".")[1:2]
    return not below or any(package.glob(f"{below[0]}*"))
