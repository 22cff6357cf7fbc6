"""The presets `games/FAMILY-METHOD`: random games of one family of the suite, played by one method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l.errors import require_count, require_positive
from minimax_l2l.lab import Announce, Built, Hidden, Preset
from tasks.games.experiments.methods import HAND_DESIGNED, LEARNED, SHIPPED, UNTRAINED, learned
from tasks.games.presets.families import FAMILIES

if TYPE_CHECKING:
    from minimax_l2l import InnerOptimizer
    from tasks.games.presets.playing import Playing


@dataclass(frozen=True, kw_only=True)
class SuitePreset(Preset):
    """A family of the suite played by an optimizer that is learned, which is not trained any further.

    Attributes:
        family: its name in the suite.
        method: its name in the tables.
        games: how many are drawn; the seed is theirs.
        budget: evaluations that each is played for: gradients of both players, and products with second
            derivatives.
    """

    family: Hidden[str]
    method: Hidden[str]
    games: int = 100
    budget: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("games", self.games, least=1)
        require_count("budget", self.budget, least=1)

    @property
    def title(self) -> str:
        """The method as people read it."""
        return LEARNED[self.method]

    @property
    def summary(self) -> str:
        """One line for lists of presets."""
        return f"{self.family}: {self.title}"

    @property
    def kin(self) -> tuple[str, str]:
        """One line for all of them."""
        return (
            "games/FAMILY-METHOD",
            "random games of one family of the suite, played by one method.\n"
            f"FAMILY: {', '.join(FAMILIES)}.\nMETHOD: {', '.join(METHODS)}.",
        )

    def optimizer(self) -> InnerOptimizer:
        """What plays, one step at a time."""
        optimizer = learned(self.method).requires_grad_(False)
        optimizer.steps = 1
        return optimizer

    def task(self) -> Playing:
        """The games."""
        from tasks.games.presets.playing import Playing
        from tasks.games.suite import SUITE

        return Playing(SUITE[self.family].sample(self.games, seed=self.seed), budget=self.budget)

    def build(self) -> Built:
        """The games and what plays them; every step is noted."""
        return Built(
            self.task(),
            self.optimizer(),
            facts={"family": self.family, "method": self.method},
            validate_every=1,
            on_failure="stop",
        )

    def evaluate(
        self,
        folder: Path,
        *,
        device: str,  # noqa: ARG002
        batch_size: int,  # noqa: ARG002
        announce: Announce,
    ) -> dict[str, Any]:
        """How many games were solved, after how many evaluations, and how many ended at a wrong point."""
        from tasks.games.presets.runs import evaluate_run

        announce(f"where the games of {self.family} ended")
        return evaluate_run(self, folder)


@dataclass(frozen=True, kw_only=True)
class SteppedPreset(SuitePreset):
    """A family of the suite played by a method that is designed by hand.

    Attributes:
        step_size: in units of the pair over units of the gradient; where a method has two, of the faster player.
    """

    step_size: float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("step_size", self.step_size)

    @property
    def title(self) -> str:
        """The method as people read it."""
        return HAND_DESIGNED[self.method].title

    def optimizer(self) -> InnerOptimizer:
        """What plays, one step at a time."""
        return HAND_DESIGNED[self.method].make(self.step_size)


METHODS = (SHIPPED, UNTRAINED, *HAND_DESIGNED)
SUITE_PRESETS: dict[str, SuitePreset] = {
    f"games/{family}-{method}": (
        SteppedPreset(family=family, method=method, step_size=HAND_DESIGNED[method].usual)
        if method in HAND_DESIGNED
        else SuitePreset(family=family, method=method)
    )
    for family in FAMILIES
    for method in METHODS
}
