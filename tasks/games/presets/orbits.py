"""Where a trained optimizer and two hand-designed ones go on f = xy, as numbers and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from minimax_l2l import AlternatingAscent, GradientAscent, LearnedOptimizer, RunFolder, Runtime
from minimax_l2l.lab import Section, svg
from tasks.games.limit_cycle import orbit
from tasks.games.presets.figure import draw_orbits

STEP_SIZE, STEPS = 0.1, 100
LEARNED = "rnn-l2l"


def orbits(folder: Path, *, device: str = "cpu") -> dict[str, Tensor]:
    """Orbits of f = xy from (1, 0) by method, shape (steps + 1, 2).

    Args:
        folder: of the run that trained the learned one.
        device: where that one plays.

    Raises:
        DamagedRunError: if the folder holds no whole optimizer.
    """
    learned = RunFolder(folder).read_module("optimizer", LearnedOptimizer)
    return {
        "simultaneous": orbit(GradientAscent(steps=1, step_size=STEP_SIZE), steps=STEPS),
        "alternating": orbit(AlternatingAscent(steps=1, step_size=STEP_SIZE), steps=STEPS),
        LEARNED: orbit(learned.to(Runtime(device).device), steps=STEPS),
    }


def sections(folders: Sequence[Path], *, data: Path | None = None) -> list[Section]:  # noqa: ARG001
    """The picture of each run's orbits."""
    return [
        Section(
            f"The limit cycle: {folder.name}",
            f"f = xy from (1, 0), {STEPS} steps; no player is ever reset. Simultaneous gradient play (step "
            f"{STEP_SIZE}) spirals out and alternating play circles. A learned optimizer that was trained for long "
            "enough settles.",
            figure=svg(draw_orbits(orbits(folder))),
        )
        for folder in folders
    ]
