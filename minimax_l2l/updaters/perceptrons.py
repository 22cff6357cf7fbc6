"""Perceptrons: one that works a coordinate at a time, and two in which every coordinate sees every other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from torch import Tensor, nn

from minimax_l2l.errors import require_count, require_flag, require_widths
from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels, require_size
from minimax_l2l.updaters.outer_product import StreamingLinear

Layer = TypeVar("Layer", bound=nn.Module)


def hidden_layers(widths: Sequence[int], linear: type[nn.Linear] = nn.Linear) -> nn.Sequential:
    """Linear layers from width to width, a PReLU after each."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [linear(inputs, outputs), nn.PReLU()]
    return nn.Sequential(*layers)


def zeroed(layer: Layer) -> Layer:
    """The layer, its weights and biases set to zero: what it is the last of starts at zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class MLPUpdater(Updater):
    """u_j = MLP(a_j): the same small network for every coordinate j, so its size does not depend on theirs.

    The last layer starts at zero: before any training the optimizer stays where it started.

    Args:
        inputs: features per coordinate; 2 for iterate and gradient.
        hidden: widths of the hidden layers.
        fan_in_scaling: see `Updater.parameter_groups`; off, since layers this narrow do without.
    """

    guided = True

    def __init__(self, inputs: int = 2, hidden: Sequence[int] = (16, 16), *, fan_in_scaling: bool = False) -> None:
        super().__init__()
        self.inputs, self.hidden = require_count("inputs", inputs, least=1), require_widths("hidden", hidden)
        self.fan_in_scaling = require_flag("fan_in_scaling", fan_in_scaling)
        widths = (self.inputs, *self.hidden)
        self.body = hidden_layers(widths)
        self.head = zeroed(nn.Linear(widths[-1], 1))

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate; carries no state."""
        require_channels(self, features, self.inputs)
        return self.head(self.body(features.movedim(1, -1))).squeeze(-1), state


class _AllAtOnce(Updater):
    """What reads all coordinates of an instance side by side."""

    guided = True
    inputs: int
    size: int
    body: nn.Sequential
    head: nn.Linear

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """All coordinates at once; carries no state."""
        require_channels(self, features, self.inputs)
        require_size(self, features, self.size)
        return self.head(self.body(features.flatten(1))).view_as(features[:, 0]), state


class DenseMLPUpdater(_AllAtOnce):
    """u = W_3 PReLU(W_2 PReLU(W_1 a)) with 2m, 8m, 4m and m units: every coordinate sees every other.

    With m coordinates it has 52 m^2 weights, 341 million for a discriminator of 2,561. The paper's skip
    connection (plus theta_D) is the learned optimizer's own: y_{k+1} = y_k + u. The paper's literal settings
    are `zero_head=False, fan_in_scaling=False`, with `GradientFeatures("none")`.

    Source: the paper's Appendix C.2.

    Args:
        size: m, the number of coordinates of one instance.
        inputs: features per coordinate; 2 for iterate and gradient.
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
        self.size, self.inputs = require_count("size", size, least=1), require_count("inputs", inputs, least=1)
        self.zero_head = require_flag("zero_head", zero_head)
        self.fan_in_scaling = require_flag("fan_in_scaling", fan_in_scaling)
        self.streaming = require_flag("streaming", streaming)
        linear = StreamingLinear if streaming else nn.Linear
        self.body = hidden_layers((inputs * size, 8 * size, 4 * size), linear)
        head = linear(4 * size, size)
        self.head = zeroed(head) if zero_head else head


class LowRankUpdater(_AllAtOnce):
    """2m -> r -> 8r -> 4r -> m units with PReLU between: coordinates see each other through r numbers.

    Its updates lie in a space of 4r dimensions, which is learned. It has about 6 r m weights: 0.26 million for
    m = 2,561 and r = 16, where a dense one's number grows with m^2. The last layer starts at zero.

    Args:
        size: m, the number of coordinates of one instance.
        rank: r, the width of the bottleneck.
        inputs: features per coordinate; 2 for iterate and gradient.
        fan_in_scaling: see `Updater.parameter_groups`.
    """

    def __init__(self, size: int, rank: int = 16, inputs: int = 2, *, fan_in_scaling: bool = True) -> None:
        super().__init__()
        self.size, self.rank = require_count("size", size, least=1), require_count("rank", rank, least=1)
        self.inputs = require_count("inputs", inputs, least=1)
        self.fan_in_scaling = require_flag("fan_in_scaling", fan_in_scaling)
        self.body = hidden_layers((inputs * size, rank, 8 * rank, 4 * rank))
        self.head = zeroed(nn.Linear(4 * rank, size))
