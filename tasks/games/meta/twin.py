"""Two recurrent networks, one for each player: the published learned optimizer for games."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minimax_l2l import Tree, leaves
from minimax_l2l.errors import require_count, require_not_negative
from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels
from minimax_l2l.updaters.perceptrons import zeroed


class TwinUpdater(Updater):
    """(h_j, c_j) <- LSTM_p(a_j, h_j, c_j), u_j = w_p . h_j + b_p + gain a_j,last, for coordinates j of player p.

    One LSTM moves every coordinate of who descends and another every coordinate of who ascends, as in Twin-L2O. The
    output layers start at zero, so that before any training a step is `gain` times the last feature, the gradient.

    Source: Shen et al., 2021, "Learning A Minimax Optimizer: A Pilot Study". Theirs are trained on one family and
    on the values of f; what these are trained on, `meta_train` says.

    Args:
        inputs: features per coordinate.
        hidden: size of each coordinate's state.
        gain: factor on the gradient, which both players share and learn.
    """

    def __init__(self, inputs: int = 1, hidden: int = 20, gain: float = 0.3) -> None:
        super().__init__()
        self.inputs = require_count("inputs", inputs, least=1)
        self.hidden = require_count("hidden", hidden, least=1)
        self.gain = require_not_negative("gain", gain)
        self.skip = nn.Parameter(torch.tensor(float(gain)))
        self.cells = nn.ModuleList(nn.LSTMCell(inputs, hidden) for _ in range(2))
        self.heads = nn.ModuleList(zeroed(nn.Linear(hidden, 1)) for _ in range(2))

    def begin(self, y: Tree, signs: Sequence[float]) -> State:
        """Whether the coordinate ascends, row by row, shape (n * d, 1); hidden states at zero, (n * d, hidden)."""
        ascends = [torch.full_like(part, sign).flatten(1) > 0 for sign, part in zip(signs, leaves(y), strict=True)]
        rows = torch.cat(ascends, dim=1).view(-1, 1)
        nothing = self.skip.new_zeros(len(rows), self.hidden)
        return (rows, nothing, nothing)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate, each by its player's network."""
        require_channels(self, features, self.inputs)
        ascends, hidden, cell = state
        seen = features.movedim(1, -1).reshape(-1, self.inputs)
        (h_x, c_x), (h_y, c_y) = (network(seen, (hidden, cell)) for network in self.cells)
        u_x, u_y = (head(own) for head, own in zip(self.heads, (h_x, h_y), strict=True))
        update = torch.where(ascends, u_y, u_x).view_as(features[:, 0]) + self.skip * features[:, -1]
        return update, (ascends, torch.where(ascends, h_y, h_x), torch.where(ascends, c_y, c_x))
