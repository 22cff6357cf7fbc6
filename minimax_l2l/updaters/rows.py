"""An updater of a network's weights, neuron by neuron."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minimax_l2l.errors import require_a, require_count, require_flag, require_widths
from minimax_l2l.iterate import State
from minimax_l2l.updaters.base import Updater, require_channels, require_size
from minimax_l2l.updaters.perceptrons import hidden_layers, zeroed


class RowUpdater(Updater):
    """u_row = MLP_l(a_row): a dense perceptron on one neuron's weights and bias, shared by the neurons of layer l.

    The inner variable is a network's flat weight vector. A row is what comes into one neuron, r = inputs + 1
    numbers, and goes through 2r, 8r, 4r and r units with PReLU between. So the updater does not care how
    neurons are numbered, and layers of 6 -> 64 -> 32 -> 1 need 0.28 million weights, where a dense one needs
    341. The last layers start at zero.

    Args:
        shapes: (outputs, inputs) of each layer's weight matrix, in the order of
            `torch.nn.utils.parameters_to_vector`: weight, bias, weight, bias, ...
        inputs: features per coordinate; 2 for iterate and gradient.
        fan_in_scaling: see `Updater.parameter_groups`.

    Raises:
        ValueError: if no layer is given, or one is not a pair of positive sizes.
    """

    guided = True

    def __init__(self, shapes: Sequence[Sequence[int]], inputs: int = 2, *, fan_in_scaling: bool = True) -> None:
        super().__init__()
        advice = "pass for instance shapes=((64, 6), (1, 64)) for a network of 6, 64 and 1 units"
        require_a("shapes", shapes, Sequence, "the shape (outputs, inputs) of each weight matrix", advice)
        self.shapes = tuple(require_widths(f"shapes[{place}]", shape) for place, shape in enumerate(shapes))
        if not self.shapes or any(len(shape) != 2 for shape in self.shapes):
            raise ValueError(
                f"RowUpdater needs the shape (outputs, inputs) of each weight matrix, got {self.shapes}; {advice}."
            )
        self.inputs = require_count("inputs", inputs, least=1)
        self.fan_in_scaling = require_flag("fan_in_scaling", fan_in_scaling)
        self.layers = nn.ModuleList(_perceptron(inputs, 1 + fan_in) for _, fan_in in self.shapes)

    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Neuron by neuron; carries no state."""
        require_channels(self, features, self.inputs)
        sizes = [size for outputs, inputs in self.shapes for size in (outputs * inputs, outputs)]
        require_size(self, features, sum(sizes))
        parts = torch.split(features.flatten(2), sizes, dim=2)
        updates = []
        for (outputs, inputs), layer, weight, bias in zip(
            self.shapes, self.layers, parts[::2], parts[1::2], strict=True
        ):
            rows = torch.cat([weight.reshape(*weight.shape[:2], outputs, inputs), bias[..., None]], dim=3)
            update = layer(rows.movedim(1, 2).flatten(2))
            updates += [update[..., :-1].flatten(1), update[..., -1]]
        return torch.cat(updates, dim=1).view_as(features[:, 0]), state


def _perceptron(inputs: int, row: int) -> nn.Sequential:
    """The paper's proportions on a row."""
    return nn.Sequential(*hidden_layers((inputs * row, 8 * row, 4 * row)), zeroed(nn.Linear(4 * row, row)))
