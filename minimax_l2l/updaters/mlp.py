"""Multi-layer perceptrons: one coordinate at a time, or dense as the paper's for GAIL."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from minimax_l2l.updaters.base import State, Updater, require_channels


class MLPUpdater(Updater):
    """u_j = MLP(a_j): the same small network for every coordinate j, so its size does not depend on theirs.

    The last layer starts at zero: before any training the optimizer stays where it started.

    Args:
        inputs: features a coordinate; 2 for iterate and gradient.
        hidden: widths of the hidden layers.
    """

    def __init__(self, inputs: int = 2, hidden: Sequence[int] = (16, 16)) -> None:
        super().__init__()
        self.inputs, self.hidden = inputs, tuple(hidden)
        widths = [inputs, *hidden]
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(widths):
            layers += [nn.Linear(narrow, wide), nn.PReLU()]
        self.body = nn.Sequential(*layers)
        self.head = _zero_linear(widths[-1], 1)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Coordinate by coordinate; carries no state."""
        require_channels(self, features, self.inputs)
        return self.head(self.body(features.movedim(1, -1))).squeeze(-1), state

    @staticmethod
    def dense(size: int, inputs: int = 2) -> DenseMLPUpdater:
        """The paper's updater for GAIL; see `DenseMLPUpdater`."""
        return DenseMLPUpdater(size=size, inputs=inputs)


class DenseMLPUpdater(Updater):
    """u = W_3 PReLU(W_2 PReLU(W_1 a)) with 2m, 8m, 4m and m units: every coordinate sees every other.

    With m coordinates it has 52 m^2 weights, so it suits small m. The paper's skip connection (plus
    theta_D) is the learned optimizer's own: y_{k+1} = y_k + u.

    Source: the paper's Appendix C.2.

    Args:
        size: m, the number of coordinates of one instance.
        inputs: features a coordinate.
    """

    def __init__(self, size: int, inputs: int = 2) -> None:
        super().__init__()
        self.size, self.inputs = size, inputs
        self.body = nn.Sequential(
            nn.Linear(inputs * size, 8 * size), nn.PReLU(), nn.Linear(8 * size, 4 * size), nn.PReLU()
        )
        self.head = _zero_linear(4 * size, size)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """All coordinates at once; carries no state."""
        require_channels(self, features, self.inputs)
        size = features[0, 0].numel()
        if size != self.size:
            raise ValueError(
                f"DenseMLPUpdater was built for size={self.size} coordinates, got {size}; "
                f"pass size={size}, or use MLPUpdater(), whose size does not depend on them."
            )
        return self.head(self.body(features.flatten(1))).view_as(features[:, 0]), state


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
    return layer
