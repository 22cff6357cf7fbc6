"""The rows of the table: every inner maximiser as one line, with the settings it was given for each data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minimax_l2l import (
    FGSM,
    PGM,
    CNNUpdater,
    GradientAscent,
    InnerOptimizer,
    IterateFeatures,
    LearnedOptimizer,
)

Maker = Callable[[float, int, int], InnerOptimizer]


@dataclass(frozen=True)
class Method:
    """An inner maximiser.

    Attributes:
        name: as result files and presets write it; learned ones end in `-l2l`.
        title: as people read it.
        steps: K.
        make: the optimizer, from eps, K and the images' channels.
        remembers: whether attacks start where the last one on the same image ended.
    """

    name: str
    title: str
    steps: int
    make: Maker
    remembers: bool = False


def _plain(eps: float, steps: int, channels: int) -> InnerOptimizer:  # noqa: ARG001
    return GradientAscent(steps=steps)


def _naive(eps: float, steps: int, channels: int) -> InnerOptimizer:  # noqa: ARG001
    updater = CNNUpdater.light(channels=channels, inputs=1, width=8)
    return LearnedOptimizer(updater, steps=steps, features=IterateFeatures())


def _fgsm(step_size: float, random_start: float) -> Maker:
    """One sign step of `step_size` times eps."""
    return lambda eps, steps, channels: FGSM(step_size=step_size * eps, random_start=random_start)  # noqa: ARG005


def _pgm(step_size: float) -> Maker:
    """Sign steps of `step_size` times eps from a start anywhere in the ball."""
    return lambda eps, steps, channels: PGM(steps=steps, step_size=step_size * eps)  # noqa: ARG005


def light(step_size: float, random_start: float) -> Maker:
    """Learned steps of at most `step_size` times eps by a light attacker, from a start of the given randomness."""
    return lambda eps, steps, channels: LearnedOptimizer(  # noqa: ARG005
        CNNUpdater.light(channels=channels, width=8, gain=16.0),
        steps=steps,
        step_size=step_size,
        random_start=random_start,
    )


# Step sizes in units of eps were chosen on validation images; docs/tuning.md says how.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("plain", "Plain", 0, _plain),
        Method("fgsm-rs", "FGSM, random start", 1, _fgsm(2.0, 1.0)),
        Method("pgm-2", "PGM-2", 2, _pgm(1.0)),
        Method("pgm-10", "PGM-10", 10, _pgm(0.15)),
        Method("naive-l2l", "Naive L2L", 1, _naive),
        Method("grad-l2l", "Grad L2L", 1, light(2.0, 1.0)),
        Method("two-step-l2l", "2-Step L2L", 2, light(1.0, 0.5)),
        Method("remembered-fgsm", "FGSM, remembered start", 1, _fgsm(0.75, 0.0), remembers=True),
        Method("remembered-grad-l2l", "Grad L2L, remembered start", 1, light(1.0, 0.0), remembers=True),
        Method("remembered-two-step-l2l", "2-Step L2L, remembered start", 2, light(1.0, 0.0), remembers=True),
    )
}
TABLE = ("plain", "fgsm-rs", "pgm-2", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
