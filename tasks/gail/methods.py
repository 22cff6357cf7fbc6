"""The rows of the table: every way to update the discriminator, and every control, as one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minimax_l2l import (
    Adam,
    DenseMLPUpdater,
    GradientAscent,
    GradientFeatures,
    InnerOptimizer,
    LearnedOptimizer,
    LowRankUpdater,
    MLPUpdater,
    RowUpdater,
)
from tasks.gail.controls import NoiseOfSameNorm
from tasks.gail.discriminator import Discriminator
from tasks.gail.regularisers import Controller, GradientPenalty, Regulariser

Maker = Callable[[Discriminator], InnerOptimizer]

# Ho and Ermon's learning rate of the discriminator's Adam.
ADAM = 0.01


@dataclass(frozen=True)
class Method:
    """A way to imitate.

    Attributes:
        name: as result files and presets write it; learned ones end in `-l2l`.
        title: as people read it.
        make: the inner optimizer of a discriminator.
        regularisers: terms subtracted from the discriminator's objective.
        constant: pay one and the same reward whatever the discriminator says.
        bad: learn from demonstrations of something else than the expert's behaviour.
    """

    name: str
    title: str
    make: Maker
    regularisers: tuple[Regulariser, ...] = ()
    constant: bool = False
    bad: bool = False


def _adam(discriminator: Discriminator) -> InnerOptimizer:  # noqa: ARG001
    return Adam(lr=ADAM)


def _still(discriminator: Discriminator) -> InnerOptimizer:  # noqa: ARG001
    return GradientAscent(steps=0)


def _coordinate(discriminator: Discriminator) -> InnerOptimizer:  # noqa: ARG001
    return LearnedOptimizer(MLPUpdater())


def _noise(discriminator: Discriminator) -> InnerOptimizer:  # noqa: ARG001
    return NoiseOfSameNorm(MLPUpdater())


def _rows(discriminator: Discriminator) -> InnerOptimizer:
    return LearnedOptimizer(RowUpdater(discriminator.shapes))


def _low_rank(discriminator: Discriminator) -> InnerOptimizer:
    return LearnedOptimizer(LowRankUpdater(discriminator.size))


def _dense(discriminator: Discriminator) -> InnerOptimizer:
    return LearnedOptimizer(DenseMLPUpdater(discriminator.size, streaming=True))


def _dense_paper(discriminator: Discriminator) -> InnerOptimizer:
    """The paper's words: raw weights and gradient in, torch's initialisation, the discriminator's Adam."""
    updater = DenseMLPUpdater(discriminator.size, zero_head=False, fan_in_scaling=False, streaming=True)
    return LearnedOptimizer(updater, features=GradientFeatures("none"), learning_rate=ADAM, weight_decay=0.0)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("gail-adam", "GAIL, Adam", _adam),
        Method("c-gail", "GAIL, Adam, C-GAIL's term", _adam, (Controller(),)),
        Method("gail-gp", "GAIL, Adam, gradient penalty", _adam, (GradientPenalty(),)),
        Method("coordinate-l2l", "L2L, by coordinate", _coordinate),
        Method("rows-l2l", "L2L, by neuron", _rows),
        Method("low-rank-l2l", "L2L, low rank", _low_rank),
        Method("dense-l2l", "L2L, dense", _dense),
        Method("dense-l2l-paper", "L2L, dense, the paper's words", _dense_paper),
        Method("frozen-d", "D never trained", _still),
        Method("constant", "constant reward", _still, constant=True),
        Method("bad-demos", "GAIL, Adam, bad demonstrations", _adam, bad=True),
        Method("noise", "L2L's steps in random directions", _noise),
    )
}
