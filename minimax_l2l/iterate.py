"""Where an inner maximisation stands: the inner variable, and what its optimizer carries along."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from minimax_l2l.trees import Tree, detach, largest, map_leaves

State = tuple[Tensor, ...]
STUCK = (
    "y is zero, and max_relative_step lets no iterate leave zero: its steps are fractions of its own length; start "
    "elsewhere with random_start, or leave max_relative_step out."
)
GROWTH = 1e3  # of an iterate that was of the order of one, or larger: no solution is so far away


class Iterate(NamedTuple):
    """A point and the state of the optimizer there.

    Attributes:
        y: the inner variable.
        state: what the optimizer carries from step to step, such as moments; `()` if nothing.
    """

    y: Tree
    state: State = ()

    def detach(self) -> Iterate:
        """The same values, cut from the graph."""
        return Iterate(detach(self.y), tuple(part.detach() for part in self.state))


def is_kept(project: Callable[[Tree], Tree], y: Tree) -> Tensor:
    """Whether a set, by its projection, keeps y from growing a thousandfold."""
    return largest(project(map_leaves(lambda leaf: GROWTH * leaf, detach(y)))) < GROWTH * largest(y)


def explosion(first: float, last: float) -> str | None:
    """What to say of a y whose largest entry was `first` and is `last`, if it has grown a thousandfold."""
    if not last > GROWTH * max(1.0, first):
        return None
    return (
        f"y explodes: its largest entry was {first:.3g} at first and is {last:.3g}; keep y in a set such as "
        "LinfBall, shorten the steps (relative=True, a smaller step_size), or give a part of y that should descend "
        "the sign -1 in `signs`."
    )
