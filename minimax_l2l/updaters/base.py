"""What every updater is: a network from features to an update, with a state it may carry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from minimax_l2l.arguments import arguments, settings
from minimax_l2l.errors import require_positive
from minimax_l2l.iterate import State
from minimax_l2l.trees import Tree


class Updater(nn.Module, ABC):
    """A network that turns features of the iterate into an update of it; it knows nothing of problems.

    A new one is a subclass with a `forward`. To be saved, it keeps each argument of its constructor under
    the argument's own name, as scikit-learn's estimators do.

    Attributes:
        fan_in_scaling: whether learning rates follow the fan-in; see `parameter_groups`.
        streaming: whether gradients come as outer products, which `StreamingAdam` steps without forming them.
        unscaled: whether it must be told the gradient as it is, and says how far to go as it means it.
        guided: whether its answers scale a step along the gradient unless told otherwise, see `LearnedOptimizer`.
        stacked: whether weights may have one more dimension in front, a set of them for each instance.
    """

    fan_in_scaling: bool = False
    streaming: bool = False
    unscaled: bool = False
    guided: bool = False
    stacked: bool = False

    @abstractmethod
    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """The update of each instance.

        Args:
            features: shape (n, channels, *event).
            state: what the last call returned, what `begin` did at the first.

        Returns:
            The update, shape (n, *event), and the next state.
        """

    def begin(self, y: Tree, signs: Sequence[float]) -> State:  # noqa: ARG002
        """The state before the first call; none here. It may hold what features do not tell of y.

        Args:
            y: where the inner variable starts.
            signs: of its leaves, see `InnerProblem.signs`.
        """
        return ()

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Groups of parameters for a torch optimizer: all at one learning rate, or a matrix at it over its fan-in.

        Adam moves every entry of a matrix W by about the learning rate, each with its own sign, so W x moves by up
        to learning rate * |x|_1, which grows with the fan-in: a rate that suits 16 inputs wrecks a layer of 5,000.
        With `fan_in_scaling` a matrix has learning_rate / fan_in, and its output moves by about
        learning_rate * mean |x|; biases and slopes keep learning_rate.

        Args:
            learning_rate: of a parameter with one input.
        """
        require_positive("learning_rate", learning_rate)
        groups: dict[int, list[nn.Parameter]] = {}
        for parameter in self.parameters():
            fan_in = math.prod(parameter.shape[1:]) if self.fan_in_scaling else 1
            groups.setdefault(fan_in, []).append(parameter)
        return [{"params": group, "lr": learning_rate / fan_in} for fan_in, group in groups.items()]

    def extra_repr(self) -> str:
        """How it was built."""
        return settings(self)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, to build the same network again; see `arguments`."""
        return arguments(self)


def require_channels(updater: Updater, features: Tensor, channels: int) -> None:
    """Raise a ValueError for features of another width than the updater was built for."""
    if features.dim() < 2 or features.shape[1] != channels:
        raise ValueError(
            f"{type(updater).__name__} was built for inputs={channels} features a coordinate, got features of "
            f"shape {tuple(features.shape)}; pass inputs={features.shape[1] if features.dim() > 1 else channels}, "
            "or give the learned optimizer other features."
        )


def require_size(updater: Updater, features: Tensor, size: int) -> None:
    """Raise a ValueError for instances of another number of coordinates than the updater was built for."""
    got = math.prod(features.shape[2:])
    if got != size:
        raise ValueError(
            f"{type(updater).__name__} was built for size={size} coordinates, got {got}; build it for {got}, or "
            f"use {of_any_shape(features)}, whose size does not depend on them."
        )


def of_any_shape(features: Tensor) -> str:
    """The call that makes an updater which works coordinate by coordinate, for features of any shape."""
    inputs = features.shape[1] if features.dim() > 1 else 1
    return "MLPUpdater()" if inputs == 2 else f"MLPUpdater(inputs={inputs})"
