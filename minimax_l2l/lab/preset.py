"""A preset: a game that anyone can play again, as the settings that the command line shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_args, get_type_hints

import tyro

from minimax_l2l.errors import DamagedRunError, require_seed

if TYPE_CHECKING:
    from minimax_l2l.optimizers.base import InnerOptimizer
    from minimax_l2l.task import Task
    from minimax_l2l.training.hooks import Hook
    from minimax_l2l.training.iteration import Play
    from minimax_l2l.training.runtime import Precision

Announce = Callable[[str], None]
_T = TypeVar("_T")
# A field that makes a preset what it is: the command line does not have it, and `config.json` leaves it out.
Hidden = Annotated[_T, tyro.conf.Fixed, tyro.conf.Suppress]


@dataclass(frozen=True)
class Built:
    """A preset made ready to be solved.

    Attributes:
        task: the game.
        optimizer: to hand to its `solve`.
        facts: what else `config.json` keeps, plain values, such as the data's name; a run is only resumed where
            they are what they were. Where the preset has `data`, one of them is the SHA-256 of what was read, 64
            hexadecimal digits; a run is only evaluated and shown with data that have the same.
        validate_every: see `Task.solve`.
        precision: see `Task.solve`.
        hooks: see `Task.solve`.
        on_failure: see `Task.solve`; "stop" where a run that diverges is a result as well.
        play: see `Task.solve`.
    """

    task: Task
    optimizer: InnerOptimizer
    facts: Mapping[str, Any] = field(default_factory=dict)
    validate_every: int = 0
    precision: Precision = "32-true"
    hooks: Sequence[Hook] = ()
    on_failure: Literal["raise", "stop"] = "raise"
    play: Play = "joint"


@dataclass(frozen=True, kw_only=True)
class Preset(ABC):
    """A game with its settings: the fields of a subclass are what `minimax-l2l solve PRESET --help` shows.

    A subclass is a frozen, keyword-only dataclass whose docstring explains each field under "Attributes:", units
    included, and whose `__post_init__` refuses what makes no sense. Its module imports torch inside `build` and
    `evaluate` alone, so that presets can be listed at once. A field that is not for people is `Hidden`; one that is
    called `data` is a file or folder of the user's own and never stored with its path.

    Attributes:
        seed: of everything random.

    Raises:
        ValueError: if the seed is negative or takes more than 32 bits.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        require_seed("seed", self.seed)
        if isinstance(data := getattr(self, "data", None), str):
            object.__setattr__(self, "data", Path(data))  # whose name alone is stored

    @property
    @abstractmethod
    def summary(self) -> str:
        """One line for lists of presets."""

    @property
    def kin(self) -> tuple[str, str] | None:
        """Of one of very many presets: the one line that a long list has for all of them, a name and a summary.

        The name has capitals where theirs differ, and the summary says what these may be. None here: each has its
        own line.
        """
        return None

    @abstractmethod
    def build(self) -> Built:
        """Make the game ready.

        Raises:
            ValueError: on data that make no sense, or do not go with the settings.
        """

    @abstractmethod
    def evaluate(self, folder: Path, *, device: str, batch_size: int, announce: Announce) -> dict[str, Any]:
        """Measure a run of this preset.

        A subclass may take `tier`, `images` or `random_draws` as well, keywords with defaults. Then `minimax-l2l
        evaluate` has `--tier`, `--images` or `--random-draws` for its runs.

        Args:
            folder: of the run.
            device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
            batch_size: how many instances are measured at a time, where that decides how much memory it takes.
            announce: called with a few words before each piece of work.

        Returns:
            What becomes `evaluation.json`: `{"environment": ..., "rows": [...], ...}`. It may have "intervals", the
            two ends of one for names in its rows, which are printed beside the values.

        Raises:
            DamagedRunError: if a file of the run is missing or damaged.
            ValueError: if it was trained on other data than this preset's.
        """

    def settings(self) -> dict[str, Any]:
        """What `config.json` keeps under "settings": every field that is not hidden; data by their name alone."""
        found = {name: getattr(self, name) for name in shown(self)}
        return {
            name: value.name if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
        }

    def again(self, settings: Mapping[str, Any], *, data: Path | None = None) -> Self:
        """This preset as a run's `settings` had it.

        Args:
            settings: what `settings` returned then.
            data: what it was trained on, if that was the user's own; no run stores its path.

        Raises:
            DamagedRunError: if a setting is missing or makes no sense.
            ValueError: if `data` is given to a preset that takes none, or is not given and it was the user's own.
        """
        known = shown(self)
        if data is not None and "data" not in known:
            raise ValueError("this run's preset takes no data of your own; leave --data out.")
        if data is None and settings.get("data") is not None:
            raise ValueError(
                f"this run was trained on data of your own, {settings['data']!r}; name them with --data."
            )
        kept = [name for name in known if name != "data"]
        if missing := [name for name in kept if name not in settings]:
            raise DamagedRunError(
                f"the run's settings lack {', '.join(missing)}, so it is not a whole run of this version; solve it "
                "again in another folder."
            )
        changes: dict[str, Any] = {name: settings[name] for name in kept} | (
            {"data": data} if "data" in known else {}
        )
        changes = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
        try:
            return replace(self, **changes)
        except (TypeError, ValueError) as error:
            raise DamagedRunError(
                f"the run's settings make no sense ({error}); solve it again in another folder."
            ) from error


def shown(preset: Preset) -> list[str]:
    """The fields that the command line has and `config.json` keeps."""
    hints = get_type_hints(type(preset), include_extras=True)
    return [field.name for field in fields(preset) if tyro.conf.Fixed not in get_args(hints[field.name])]
