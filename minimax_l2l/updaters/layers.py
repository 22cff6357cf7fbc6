"""What perceptron-like updaters are made of: hidden layers with PReLU, and an output layer that starts at zero."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def hidden_layers(widths: Sequence[int], linear: type[nn.Linear] = nn.Linear) -> nn.Sequential:
    """Linear layers from width to width, a PReLU after each."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [linear(inputs, outputs), nn.PReLU()]
    return nn.Sequential(*layers)


def output_layer(inputs: int, outputs: int, linear: type[nn.Linear] = nn.Linear, *, zero: bool = True) -> nn.Linear:
    """A linear layer, at zero unless torch's own initialisation is asked for."""
    layer = linear(inputs, outputs)
    if zero:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layer
