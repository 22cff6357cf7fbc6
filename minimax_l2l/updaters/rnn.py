"""A recurrent updater: each coordinate carries a hidden state from step to step."""

from __future__ import annotations

from torch import Tensor, nn

from minimax_l2l.updaters.base import State, Updater, require_channels


class RNNUpdater(Updater):
    """h_j <- GRU(a_j, h_j), u_j = w . h_j + c: one gated recurrent unit shared by all coordinates j.

    Weights are shared over the steps as well, so any number of steps can follow training on a few. The
    paper's multi-step attacker is the other kind of recurrence, an updater without memory whose weights
    are shared: that is `LearnedOptimizer(CNNUpdater..., steps=K)`.

    The output layer starts at zero: before any training the optimizer stays where it started.

    Args:
        inputs: features a coordinate; 2 for iterate and gradient.
        hidden: size of each coordinate's state.
    """

    def __init__(self, inputs: int = 2, hidden: int = 16) -> None:
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.cell = nn.GRUCell(inputs, hidden)
        self.head = nn.Linear(hidden, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate; the state is one tensor of shape (n * coordinates, hidden)."""
        require_channels(self, features, self.inputs)
        rows = features.movedim(1, -1).reshape(-1, self.inputs)
        hidden = self.cell(rows, state[0] if state else None)
        return self.head(hidden).view_as(features[:, 0]), (hidden,)
