"""The rows of the table: every way to update the discriminator, and every control, as one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from tasks.gail.regularisers import Controller, EntropyBonus, GradientPenalty, Regulariser

if TYPE_CHECKING:
    from tasks.gail.discriminator import Discriminator

# Ho and Ermon's learning rate of the discriminator's Adam, and the library's of a learned optimizer's.
ADAM, META = 0.01, 1e-3
# A step size of plain gradient ascent on the discriminator that is small beside its first weights.
ASCENT = 0.1
# Where they are held: how far the weights may grow, in lengths of the first ones, and how far an iteration may move
# them, in parts of their own length.
RADIUS, LONGEST = 2.0, 0.02
# The best of five such parts, and the same in both cells, by `gail-stress-bounds`.
TUNED = 0.1


@dataclass(frozen=True)
class Knobs:
    """What a stress test turns on every method alike.

    Attributes:
        rate: learning rate, of the discriminator's Adam or of phi's, or the bound on a learned updater's steps for
            the method that is named after it; None takes the method's own.
        steps: of the discriminator an iteration.
    """

    rate: float | None = None
    steps: int = 1


DEFAULT_KNOBS = Knobs()
Maker = Callable[["Discriminator", Knobs], InnerOptimizer]


@dataclass(frozen=True)
class Method:
    """A way to imitate.

    Attributes:
        name: as result files and presets write it; learned ones end in `-l2l`.
        title: as people read it.
        make: the inner optimizer of a discriminator.
        regularisers: terms subtracted from the discriminator's objective.
        literal: pay -log D whatever the environment, with a constant trust region, as the paper does.
        constant: pay one and the same reward whatever the discriminator says.
        bad: learn from demonstrations of something else than the expert's behaviour.
        radius: keep the discriminator's weights in a ball, see `GAIL`.
        halved: let the discriminator learn from every other pair of the demonstrations, and judge its learned
            optimizer by the pairs between; the method sees no more of the expert than the others do.
    """

    name: str
    title: str
    make: Maker
    regularisers: tuple[Regulariser, ...] = ()
    literal: bool = False
    constant: bool = False
    bad: bool = False
    radius: float | None = None
    halved: bool = False


def _adam(discriminator: Discriminator, knobs: Knobs) -> InnerOptimizer:  # noqa: ARG001
    return Adam(lr=knobs.rate or ADAM, steps=knobs.steps)


def _ascent(kind: type[GradientAscent]) -> Maker:
    return lambda _, knobs: kind(steps=knobs.steps, step_size=knobs.rate or ASCENT)


def _still(discriminator: Discriminator, knobs: Knobs) -> InnerOptimizer:  # noqa: ARG001
    return GradientAscent(steps=0)


def _learned(
    updater: Callable[[Discriminator], Updater],
    kind: type[LearnedOptimizer] = LearnedOptimizer,
    *,
    rate: float = META,
    longest: float | None = None,
) -> Maker:
    """`longest` is how far an iteration may move the weights, in parts of their length, over all its steps."""
    return lambda discriminator, knobs: kind(
        updater(discriminator),
        steps=knobs.steps,
        learning_rate=knobs.rate or rate,
        max_relative_step=longest / knobs.steps if longest is not None else None,
    )


def _bounded(updater: Callable[[Discriminator], Updater]) -> Maker:
    """Updaters that see many weights at once make the discriminator's grow without end unless steps are bounded.

    Rate and bound were chosen for the updater by neuron on one pilot seed of CartPole; the others take them over.
    """
    return _learned(updater, rate=3e-3, longest=LONGEST)


def _bound(discriminator: Discriminator, knobs: Knobs) -> InnerOptimizer:  # noqa: ARG001
    """By coordinate as `_learned` makes it; what is turned is how far an iteration may move the weights."""
    return LearnedOptimizer(
        MLPUpdater(),
        steps=knobs.steps,
        learning_rate=META,
        max_relative_step=(knobs.rate or TUNED) / knobs.steps,
    )


def _dense_paper(discriminator: Discriminator, knobs: Knobs) -> InnerOptimizer:
    """The paper's words: raw weights and gradient in, torch's initialisation, the discriminator's Adam."""
    return LearnedOptimizer(
        DenseMLPUpdater(discriminator.size, zero_head=False, fan_in_scaling=False, streaming=True),
        steps=knobs.steps,
        features=GradientFeatures("none"),
        learning_rate=knobs.rate or ADAM,
        weight_decay=0.0,
    )


CONTROLS = ("frozen-d", "constant", "bad-demos", "noise", "noise-ball")
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("gail-adam", "GAIL, Adam", _adam),
        Method("c-gail", "GAIL, Adam, C-GAIL's term", _adam, (Controller(),)),
        Method("gail-gp", "GAIL, Adam, gradient penalty", _adam, (GradientPenalty(),)),
        Method("gail-entropy", "GAIL, Adam, entropy bonus", _adam, (EntropyBonus(),)),
        Method("gail-sgd", "GAIL, gradient ascent", _ascent(GradientAscent)),
        Method("gail-extragradient", "GAIL, extragradient", _ascent(ExtraGradient)),
        Method("gail-adam-ball", "GAIL, Adam in a ball", _adam, radius=RADIUS),
        Method("coordinate-l2l", "L2L, by coordinate", _learned(lambda _: MLPUpdater())),
        Method(
            "coordinate-ball-l2l",
            "L2L, by coordinate, short steps in a ball",
            _learned(lambda _: MLPUpdater(), longest=LONGEST),
            radius=RADIUS,
        ),
        Method("coordinate-bound-l2l", "L2L, by coordinate, longer steps in a ball", _bound, radius=RADIUS),
        Method(
            "coordinate-halves-l2l",
            "L2L, by coordinate, judged by unseen pairs",
            _learned(lambda _: MLPUpdater(), longest=LONGEST),
            radius=RADIUS,
            halved=True,
        ),
        Method(
            "coordinate-c-l2l",
            "L2L, by coordinate, short steps in a ball, C-GAIL's term",
            _learned(lambda _: MLPUpdater(), longest=LONGEST),
            (Controller(),),
            radius=RADIUS,
        ),
        Method("rows-l2l", "L2L, by neuron", _bounded(lambda d: RowUpdater(d.shapes))),
        Method("low-rank-l2l", "L2L, low rank", _bounded(lambda d: LowRankUpdater(d.size))),
        Method("dense-l2l", "L2L, dense", _bounded(lambda d: DenseMLPUpdater(d.size, streaming=True))),
        Method(
            "dense-ball-l2l",
            "L2L, dense, in a ball",
            _bounded(lambda d: DenseMLPUpdater(d.size, streaming=True)),
            radius=RADIUS,
        ),
        Method("dense-l2l-paper", "L2L, dense, the paper's words", _dense_paper, literal=True),
        Method("frozen-d", "D never trained", _still),
        Method("constant", "constant reward", _still, constant=True),
        Method("bad-demos", "GAIL, Adam, bad demonstrations", _adam, bad=True),
        Method("noise", "L2L's steps in random directions", _learned(lambda _: MLPUpdater(), NoiseOfSameNorm)),
        Method(
            "noise-ball",
            "L2L's steps in random directions, in a ball",
            _learned(lambda _: MLPUpdater(), NoiseOfSameNorm, longest=LONGEST),
            radius=RADIUS,
        ),
    )
}
