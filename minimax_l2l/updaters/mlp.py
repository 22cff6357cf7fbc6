"""The multi-layer perceptron that works one coordinate at a time."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels
from minimax_l2l.updaters.layers import hidden_layers, output_layer


class MLPUpdater(Updater):
    """u_j = MLP(a_j): the same small network for every coordinate j, so its size does not depend on theirs.

    The last layer starts at zero: before any training the optimizer stays where it started.

    Args:
        inputs: features a coordinate; 2 for iterate and gradient.
        hidden: widths of the hidden layers.
        fan_in_scaling: see `Updater.parameter_groups`; off, since layers this narrow do without.
    """

    def __init__(self, inputs: int = 2, hidden: Sequence[int] = (16, 16), *, fan_in_scaling: bool = False) -> None:
        super().__init__()
        self.inputs, self.hidden, self.fan_in_scaling = inputs, tuple(hidden), fan_in_scaling
        widths = (inputs, *self.hidden)
        self.body = hidden_layers(widths)
        self.head = output_layer(widths[-1], 1)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate; carries no state."""
        require_channels(self, features, self.inputs)
        return self.head(self.body(features.movedim(1, -1))).squeeze(-1), state
