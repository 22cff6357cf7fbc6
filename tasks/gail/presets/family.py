"""The family `gail/SETTING-METHOD`: every expert and every method as settings that anyone can run again.

Names and titles are known without the extra `gail`; what needs it is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from minimax_l2l.families import Announce, Game, Section, Settings
from tasks.gail import require_libraries
from tasks.gail.presets.methods import METHODS
from tasks.gail.presets.pages import sections
from tasks.gail.presets.settings import SETTINGS

# Names of the setting and of the method.
PRESETS = {f"gail/{setting}-{method}": (setting, method) for setting in SETTINGS for method in METHODS}


class GAILFamily:
    """Imitation as the command line sees it."""

    def presets(self) -> Mapping[str, str]:
        """One-line summaries by preset name."""
        return {
            preset: f"{SETTINGS[setting].title}: {METHODS[method].title}"
            for preset, (setting, method) in PRESETS.items()
        }

    def build(self, preset: str, settings: Settings) -> Game:
        """A preset made ready."""
        game: Game = _later("presets.preset_runs", "build_game")(preset, *PRESETS[preset], settings)
        return game

    def evaluate(self, folder: Path, settings: Settings, announce: Announce) -> dict[str, Any]:
        """A run's policy played on episodes of its own, and likened to the expert."""
        result: dict[str, Any] = _later("presets.preset_runs", "evaluate_run")(folder, settings, announce)
        return result

    def sections(self, folders: Sequence[Path], settings: Settings) -> list[Section]:  # noqa: ARG002
        """The page about some runs."""
        return sections(folders)

    def benchmarks(self) -> Mapping[str, Callable[[Path, Announce], Path]]:
        """`gail`: methods and controls over five seeds; the others say in their modules what they measure."""
        return {
            "gail": _later("experiments.benchmark", "benchmark_gail"),
            "gail-dense": _later("experiments.dense", "measure_dense"),
            "gail-experts": _later("experiments.experts", "make_experts"),
            "gail-speed": _later("experiments.speed", "measure_speed"),
            "gail-stress-cells": _later("experiments.stress", "find_cells"),
            "gail-stress-rates": _later("experiments.stress", "find_rates"),
            "gail-stress-bounds": _later("experiments.stress", "find_bounds"),
            "gail-stress-variants": _later("experiments.stress", "find_variants"),
            "gail-stress": _later("experiments.stress", "play_grid"),
            "gail-transfer": _later("experiments.transfer", "measure_transfer"),
        }

    def demo(self, out: Path, announce: Announce) -> list[Section] | None:  # noqa: ARG002
        """The demo is another family's."""
        return None


def _later(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is imported once the function is called.

    Raises:
        MissingExtraError: then, if the extra is not installed.
    """

    def call(*arguments: Any) -> Any:
        require_libraries()
        return getattr(import_module(f"tasks.gail.{module}"), name)(*arguments)

    return call


FAMILY = GAILFamily()
