"""The rows of the table: every way to update the discriminator, and every control, told without what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Term = Literal["controller", "gradient penalty", "entropy bonus"]

# Of methods that hold the weights back: the longest they may become, in lengths of the first ones, and the longest
# step per iteration, as a share of their own length.
RADIUS, LONGEST = 2.0, 0.02


@dataclass(frozen=True)
class Method:
    """A way to imitate.

    Attributes:
        name: as result files and presets write it; those of learned optimizers end in `-l2l`.
        title: as people read it.
        learns: whether there is a phi to train.
        trains: whether the discriminator is trained at all.
        term: subtracted from the discriminator's objective.
        literal: pay -log D whatever the environment, with a constant trust region, as the paper does.
        constant: pay one and the same reward whatever the discriminator says.
        bad: learn from demonstrations of something else than the expert's behaviour.
        radius: keep the discriminator's weights in a ball, see `GAIL`.
        judged_by_halves: let the discriminator learn from every other pair of the demonstrations, and judge its
            learned optimizer by the pairs between; the method sees no more of the expert than the others do.
    """

    name: str
    title: str
    learns: bool = False
    trains: bool = True
    term: Term | None = None
    literal: bool = False
    constant: bool = False
    bad: bool = False
    radius: float | None = None
    judged_by_halves: bool = False


class Turned(NamedTuple):
    """What every method that trains the discriminator lets be turned.

    Attributes:
        rate: learning rate, of the discriminator's Adam or of phi's, or the bound on a learned updater's steps for
            the method that is named after it; None takes the method's own.
        steps: of the discriminator per iteration.
    """

    rate: float | None = None
    steps: int = 1


CONTROLS = ("frozen-d", "constant", "bad-demos", "noise", "noise-ball")
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("gail-adam", "GAIL, Adam"),
        Method("c-gail", "GAIL, Adam, C-GAIL's term", term="controller"),
        Method("gail-gp", "GAIL, Adam, gradient penalty", term="gradient penalty"),
        Method("gail-entropy", "GAIL, Adam, entropy bonus", term="entropy bonus"),
        Method("gail-sgd", "GAIL, gradient ascent"),
        Method("gail-extragradient", "GAIL, extragradient"),
        Method("gail-adam-ball", "GAIL, Adam in a ball", radius=RADIUS),
        Method("coordinate-l2l", "L2L, by coordinate", learns=True),
        Method("coordinate-ball-l2l", "L2L, by coordinate, short steps in a ball", learns=True, radius=RADIUS),
        Method("coordinate-bound-l2l", "L2L, by coordinate, longer steps in a ball", learns=True, radius=RADIUS),
        Method(
            "coordinate-halves-l2l",
            "L2L, by coordinate, judged by unseen pairs",
            learns=True,
            radius=RADIUS,
            judged_by_halves=True,
        ),
        Method(
            "coordinate-c-l2l",
            "L2L, by coordinate, short steps in a ball, C-GAIL's term",
            learns=True,
            term="controller",
            radius=RADIUS,
        ),
        Method("rows-l2l", "L2L, by neuron", learns=True),
        Method("low-rank-l2l", "L2L, low rank", learns=True),
        Method("dense-l2l", "L2L, dense", learns=True),
        Method("dense-ball-l2l", "L2L, dense, in a ball", learns=True, radius=RADIUS),
        Method("dense-l2l-paper", "L2L, dense, as in the paper", learns=True, literal=True),
        Method("frozen-d", "D never trained", trains=False),
        Method("constant", "constant reward", trains=False, constant=True),
        Method("bad-demos", "GAIL, Adam, bad demonstrations", bad=True),
        Method("noise", "L2L's steps in random directions", learns=True),
        Method("noise-ball", "L2L's steps in random directions, in a ball", learns=True, radius=RADIUS),
    )
}
