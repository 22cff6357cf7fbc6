"""The paper's updater for GAIL: a perceptron in which every coordinate sees every other."""

from __future__ import annotations

from torch import Tensor, nn

from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels, require_size
from minimax_l2l.updaters.layers import hidden_layers, output_layer
from minimax_l2l.updaters.outer_product import StreamingLinear


class DenseMLPUpdater(Updater):
    """u = W_3 PReLU(W_2 PReLU(W_1 a)) with 2m, 8m, 4m and m units: every coordinate sees every other.

    With m coordinates it has 52 m^2 weights, 341 million for a discriminator of 2,561. The paper's skip
    connection (plus theta_D) is the learned optimizer's own: y_{k+1} = y_k + u. The paper's literal settings
    are `zero_head=False, fan_in_scaling=False`, with `GradientFeatures("none")`.

    Source: the paper's Appendix C.2.

    Args:
        size: m, the number of coordinates of one instance.
        inputs: features a coordinate; 2 for iterate and gradient.
        zero_head: start W_3 and its bias at zero, so that before any training the optimizer stays where it
            started; False is torch's initialisation, whose output is noise.
        fan_in_scaling: see `Updater.parameter_groups`.
        streaming: never store the gradients of the matrices: for n instances each is a sum of n outer products,
            from which `StreamingAdam` makes its step. Weights and two moments are then all the memory there is,
            12 bytes a weight; the steps taken are the same to rounding. Meant for n = 1.
    """

    def __init__(
        self,
        size: int,
        inputs: int = 2,
        *,
        zero_head: bool = True,
        fan_in_scaling: bool = True,
        streaming: bool = False,
    ) -> None:
        super().__init__()
        self.size, self.inputs, self.zero_head = size, inputs, zero_head
        self.fan_in_scaling, self.streaming = fan_in_scaling, streaming
        linear = StreamingLinear if streaming else nn.Linear
        self.body = hidden_layers((inputs * size, 8 * size, 4 * size), linear)
        self.head = output_layer(4 * size, size, linear, zero=zero_head)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """All coordinates at once; carries no state."""
        require_channels(self, features, self.inputs)
        require_size(self, features, self.size)
        return self.head(self.body(features.flatten(1))).view_as(features[:, 0]), state
