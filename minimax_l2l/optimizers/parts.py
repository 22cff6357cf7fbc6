"""The parts of a learned optimizer as its config tells them: a class by name, and its constructor's arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from minimax_l2l import updaters
from minimax_l2l.errors import MissingClassError
from minimax_l2l.features import Features, GradientFeatures, IterateFeatures, LogSignFeatures
from minimax_l2l.updaters import Updater

UPDATERS: tuple[type[Updater], ...] = (
    updaters.CNNUpdater,
    updaters.RNNUpdater,
    updaters.MLPUpdater,
    updaters.RowUpdater,
    updaters.LowRankUpdater,
    updaters.DenseMLPUpdater,
)
FEATURES: tuple[type[Features], ...] = (GradientFeatures, IterateFeatures, LogSignFeatures)
Part = TypeVar("Part", Updater, Features)


def told(part: Updater | Features) -> dict[str, Any]:
    """A part's config, as JSON can hold it.

    Raises:
        AttributeError: if it did not keep an argument of its constructor under its own name.
        TypeError: if it keeps what JSON cannot hold.
    """
    config = part.config()
    try:
        json.dumps(config)
    except TypeError as error:
        raise TypeError(
            f"{type(part).__name__} cannot be saved ({error}); let its constructor take numbers, strings and "
            "lists of these."
        ) from error
    return config


def find(kind: str, name: str, known: Iterable[type[Part]]) -> type[Part]:
    """The class of a name among the known ones.

    Raises:
        MissingClassError: if it is not among them.
    """
    classes = {one.__name__: one for one in known}
    if name not in classes:
        raise MissingClassError(
            f"the optimizer was saved with the {kind} {name}, which this library does not have; pass the class: "
            f"from_pretrained(..., {kind.rstrip('s')}s=[{name}])."
        )
    return classes[name]
