"""A dense updater through a bottleneck, whose cost grows with the number of coordinates and not its square."""

from __future__ import annotations

from torch import Tensor

from minimax_l2l.errors import require_count
from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels, require_size
from minimax_l2l.updaters.layers import hidden_layers, output_layer


class LowRankUpdater(Updater):
    """2m -> r -> 8r -> 4r -> m units with PReLU between: coordinates see each other through r numbers.

    Its updates lie in a space of 4r dimensions, which is learned. It has about 6 r m weights: 0.26 million for
    m = 2,561 and r = 16. The last layer starts at zero.

    Args:
        size: m, the number of coordinates of one instance.
        rank: r, the width of the bottleneck.
        inputs: features a coordinate; 2 for iterate and gradient.
        fan_in_scaling: see `Updater.parameter_groups`.
    """

    def __init__(self, size: int, rank: int = 16, inputs: int = 2, *, fan_in_scaling: bool = True) -> None:
        super().__init__()
        self.size, self.rank, self.inputs = size, require_count("rank", rank, least=1), inputs
        self.fan_in_scaling = fan_in_scaling
        self.body = hidden_layers((inputs * size, rank, 8 * rank, 4 * rank))
        self.head = output_layer(4 * rank, size)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """All coordinates at once; carries no state."""
        require_channels(self, features, self.inputs)
        require_size(self, features, self.size)
        return self.head(self.body(features.flatten(1))).view_as(features[:, 0]), state
