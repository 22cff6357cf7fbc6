"""What every updater is: a network from features to an update, with a state it may carry."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

State = tuple[Tensor, ...]


class Updater(nn.Module, ABC):
    """A network that turns features of the iterate into an update of it; it knows nothing of problems.

    A new one is a subclass with a `forward`. To be saved, it keeps each argument of its constructor under
    the argument's own name, as scikit-learn's estimators do.
    """

    @abstractmethod
    def forward(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """The update of each instance.

        Args:
            features: shape (n, channels, *event).
            state: what the last call returned, `()` at the first.

        Returns:
            The update, shape (n, *event), and the next state.
        """

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, to build the same network again.

        Raises:
            AttributeError: if an argument was not kept under its own name.
        """
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        return {name: getattr(self, name) for name in names}


def require_channels(updater: Updater, features: Tensor, channels: int) -> None:
    """Refuse features of another width than the updater was built for.

    Raises:
        ValueError: if the second dimension of `features` is not `channels`.
    """
    if features.dim() < 2 or features.shape[1] != channels:
        raise ValueError(
            f"{type(updater).__name__} was built for inputs={channels} features a coordinate, got features of "
            f"shape {tuple(features.shape)}; pass inputs={features.shape[1] if features.dim() > 1 else channels}, "
            "or give the learned optimizer other features."
        )
