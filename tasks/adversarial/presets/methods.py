"""The rows of the table: every inner maximiser as one line, with the settings it was given for the digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import minimax_l2l


@dataclass(frozen=True)
class Method:
    """An inner maximiser.

    Attributes:
        name: as result files and presets write it; learned ones end in `-l2l`.
        title: as people read it.
        steps: K.
        rule: what makes its optimizer, from the method, eps, K and the images' channels.
        step_size: in units of eps; of a learned one, how far a step may go.
        random_start: see `InnerOptimizer`.
        learns: whether there is a phi to train.
        remembers: whether attacks start where the last one on the same image ended.
        fixed_steps: whether another K would be another method.
    """

    name: str
    title: str
    steps: int
    rule: Callable[[Method, float, int, int], minimax_l2l.InnerOptimizer]
    step_size: float = 0.0
    random_start: float = 0.0
    learns: bool = False
    remembers: bool = False
    fixed_steps: bool = False

    def make(self, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:
        """Its optimizer for images of so many channels."""
        return self.rule(self, eps, steps, channels)


def _plain(method: Method, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.GradientAscent(steps=steps)


def _fgsm(method: Method, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.FGSM(step_size=method.step_size * eps, random_start=method.random_start)


def _pgm(method: Method, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.PGM(steps=steps, step_size=method.step_size * eps, random_start=method.random_start)


def _naive(method: Method, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    updater = minimax_l2l.CNNUpdater.light(channels=channels, inputs=1, width=8)
    return minimax_l2l.LearnedOptimizer(updater, steps=steps, features=minimax_l2l.IterateFeatures())


def _light(method: Method, eps: float, steps: int, channels: int) -> minimax_l2l.InnerOptimizer:  # noqa: ARG001
    return minimax_l2l.LearnedOptimizer(
        minimax_l2l.CNNUpdater.light(channels=channels, width=8, gain=16.0),
        steps=steps,
        step_size=method.step_size,
        random_start=method.random_start,
    )


# Step sizes were chosen on validation images; docs/tuning.md says how.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("plain", "Plain", 0, _plain, fixed_steps=True),
        Method("fgsm-rs", "FGSM, random start", 1, _fgsm, 2.0, 1.0, fixed_steps=True),
        Method("pgm-2", "PGM-2", 2, _pgm, 1.0, 1.0),
        Method("pgm-10", "PGM-10", 10, _pgm, 0.15, 1.0),
        Method("naive-l2l", "Naive L2L", 1, _naive, learns=True),
        Method("grad-l2l", "Grad L2L", 1, _light, 2.0, 1.0, learns=True),
        Method("two-step-l2l", "2-Step L2L", 2, _light, 1.0, 0.5, learns=True),
        Method("remembered-fgsm", "FGSM, remembered start", 1, _fgsm, 0.75, 0.0, remembers=True, fixed_steps=True),
        Method(
            "remembered-grad-l2l", "Grad L2L, remembered start", 1, _light, 1.0, 0.0, learns=True, remembers=True
        ),
        Method(
            "remembered-two-step-l2l",
            "2-Step L2L, remembered start",
            2,
            _light,
            1.0,
            0.0,
            learns=True,
            remembers=True,
        ),
    )
}
TABLE = ("plain", "fgsm-rs", "pgm-2", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l")
