"""The family `adversarial/DATA-METHOD`: every row of the table as settings that anyone can run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minimax_l2l.families import Announce, Game, Section, Settings
from tasks.adversarial.experiments.demo import run_demo
from tasks.adversarial.experiments.digits import benchmark_digits
from tasks.adversarial.experiments.tuning import tune_digits
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import sections
from tasks.adversarial.presets.runs import build_game, evaluate_run


class AdversarialFamily:
    """Adversarial training as the command line sees it."""

    def presets(self) -> Mapping[str, str]:
        """One-line summaries by preset name."""
        return {
            f"adversarial/digits-{method.name}": f"a classifier of 8 x 8 digits trained with {method.title}"
            for method in METHODS.values()
        }

    def build(self, preset: str, settings: Settings) -> Game:
        """A preset made ready."""
        return build_game(preset, settings)

    def evaluate(self, folder: Path, settings: Settings, announce: Announce) -> dict[str, Any]:
        """A run measured with standard AutoAttack and everything weaker."""
        return evaluate_run(folder, settings, announce)

    def sections(self, folders: Sequence[Path], settings: Settings) -> list[Section]:
        """The page about some runs."""
        return sections(folders, settings)

    def benchmarks(self) -> Mapping[str, Callable[[Path, Announce], Path]]:
        """`digits`: the table over three seeds; `digits-tuning`: how its settings were chosen."""
        return {
            "digits": lambda out, announce: benchmark_digits(self, out, announce),
            "digits-tuning": tune_digits,
        }

    def demo(self, out: Path, announce: Announce) -> list[Section] | None:
        """The main job in three minutes."""
        return run_demo(self, out, announce)


FAMILY = AdversarialFamily()
