"""Where an inner maximisation stands: the inner variable, and what its optimizer carries along."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from minimax_l2l.trees import Tree, detach

State = tuple[Tensor, ...]


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
