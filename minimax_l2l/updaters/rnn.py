"""A recurrent updater: each coordinate carries a hidden state from step to step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from minimax_l2l.errors import require_count, require_not_negative
from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels
from minimax_l2l.updaters.perceptrons import zeroed


class RNNUpdater(Updater):
    """h_j <- GRU(a_j, h_j), u_j = w . h_j + c + gain a_j,last: one gated unit shared by all coordinates j.

    Weights are shared over the steps as well, so any number of steps can follow training on a few. The
    paper's multi-step attacker is the other kind of recurrence, an updater without memory whose weights
    are shared: that is `LearnedOptimizer(CNNUpdater..., steps=K)`.

    The output layer starts at zero, so that before any training a step is `gain` times the last feature, the
    gradient: with gain 0 the optimizer stays where it started.

    Args:
        inputs: features per coordinate; 2 for iterate and gradient, which comes last.
        hidden: size of each coordinate's state.
        gain: initial value of the learned factor on the gradient, 0 or more. Above 0 the network takes gradient
            steps itself, and is not `guided` unless told.
    """

    def __init__(self, inputs: int = 2, hidden: int = 16, gain: float = 0.0) -> None:
        super().__init__()
        self.inputs, self.hidden = (
            require_count("inputs", inputs, least=1),
            require_count("hidden", hidden, least=1),
        )
        self.gain = require_not_negative("gain", gain)
        self.skip = nn.Parameter(torch.tensor(float(gain)))
        self.cell = nn.GRUCell(inputs, hidden)
        self.head = zeroed(nn.Linear(hidden, 1))
        self.guided = self.gain == 0

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate; the state is one tensor of shape (n * coordinates, hidden)."""
        require_channels(self, features, self.inputs)
        rows = features.movedim(1, -1).reshape(-1, self.inputs)
        hidden = self.cell(rows, state[0] if state else None)
        update = self.head(hidden).view_as(features[:, 0]) + self.skip * features[:, -1]
        return update, (hidden,)
