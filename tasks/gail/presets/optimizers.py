"""The inner optimizer of every method of imitation, made for one discriminator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from minimax_l2l import (
    Adam,
    DenseMLPUpdater,
    ExtraGradient,
    GradientAscent,
    GradientFeatures,
    InnerOptimizer,
    LearnedOptimizer,
    LowRankUpdater,
    MLPUpdater,
    RowUpdater,
    Updater,
)
from tasks.gail.controls import NoiseOfSameNorm
from tasks.gail.presets.methods import LONGEST, Turned

if TYPE_CHECKING:
    from tasks.gail.discriminator import Discriminator

# Ho and Ermon's learning rate of the discriminator's Adam, and the library's of a learned optimizer's.
ADAM, META = 0.01, 1e-3
# A step size of plain gradient ascent on the discriminator that is small beside its first weights.
ASCENT = 0.1
# The bound on a step that did best of five in `gail-stress-bounds`, in both cells.
TUNED = 0.1


Maker = Callable[["Discriminator", Turned], InnerOptimizer]


def _adam(discriminator: Discriminator, turned: Turned) -> InnerOptimizer:  # noqa: ARG001
    return Adam(lr=turned.rate or ADAM, steps=turned.steps)


def _ascent(kind: type[GradientAscent]) -> Maker:
    return lambda _, turned: kind(steps=turned.steps, step_size=turned.rate or ASCENT)


def _learned(
    updater: Callable[[Discriminator], Updater],
    kind: type[LearnedOptimizer] = LearnedOptimizer,
    *,
    rate: float = META,
    longest: float | None = None,
) -> Maker:
    """`longest` is how far an iteration may move the weights, in parts of their length, over all its steps."""
    return lambda discriminator, turned: kind(
        updater(discriminator),
        guided=False,
        steps=turned.steps,
        learning_rate=turned.rate or rate,
        max_relative_step=longest / turned.steps if longest is not None else None,
    )


def _coordinate(kind: type[LearnedOptimizer] = LearnedOptimizer, *, longest: float | None = None) -> Maker:
    return _learned(lambda _: MLPUpdater(), kind, longest=longest)


def _bounded(updater: Callable[[Discriminator], Updater]) -> Maker:
    """Updaters that see many weights at once make the discriminator's grow without end unless steps are bounded.

    Rate and bound were chosen for the updater by neuron on one pilot seed of CartPole; the others take them over.
    """
    return _learned(updater, rate=3e-3, longest=LONGEST)


def _bound(discriminator: Discriminator, turned: Turned) -> InnerOptimizer:
    """By coordinate; what is turned is how far an iteration may move the weights."""
    return _coordinate(longest=turned.rate or TUNED)(discriminator, Turned(steps=turned.steps))


def _dense_paper(discriminator: Discriminator, turned: Turned) -> InnerOptimizer:
    """As the paper describes it: raw weights and gradient in, torch's initialisation, the discriminator's Adam."""
    return LearnedOptimizer(
        DenseMLPUpdater(discriminator.size, zero_head=False, fan_in_scaling=False, streaming=True),
        steps=turned.steps,
        features=GradientFeatures("none"),
        max_relative_step=None,
        learning_rate=turned.rate or ADAM,
        weight_decay=0.0,
    )


MAKERS: dict[str, Maker] = {
    **dict.fromkeys(("gail-adam", "c-gail", "gail-gp", "gail-entropy", "gail-adam-ball", "bad-demos"), _adam),
    **dict.fromkeys(("gail-sgd", "frozen-d", "constant"), _ascent(GradientAscent)),
    "gail-extragradient": _ascent(ExtraGradient),
    "coordinate-l2l": _coordinate(),
    **dict.fromkeys(
        ("coordinate-ball-l2l", "coordinate-halves-l2l", "coordinate-c-l2l"), _coordinate(longest=LONGEST)
    ),
    "coordinate-bound-l2l": _bound,
    "rows-l2l": _bounded(lambda d: RowUpdater(d.shapes)),
    "low-rank-l2l": _bounded(lambda d: LowRankUpdater(d.size)),
    **dict.fromkeys(("dense-l2l", "dense-ball-l2l"), _bounded(lambda d: DenseMLPUpdater(d.size, streaming=True))),
    "dense-l2l-paper": _dense_paper,
    "noise": _coordinate(NoiseOfSameNorm),
    "noise-ball": _coordinate(NoiseOfSameNorm, longest=LONGEST),
}
