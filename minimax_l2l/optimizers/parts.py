"""The parts of a learned optimizer as its config tells them: a class by name, and its constructor's arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from minimax_l2l.errors import MissingClassError
from minimax_l2l.features import Features, GradientFeatures, IterateFeatures, LogSignFeatures
from minimax_l2l.updaters import (
    CNNUpdater,
    DenseMLPUpdater,
    LowRankUpdater,
    MLPUpdater,
    RNNUpdater,
    RowUpdater,
    Updater,
)

UPDATERS: tuple[type[Updater], ...] = (
    CNNUpdater,
    RNNUpdater,
    MLPUpdater,
    RowUpdater,
    LowRankUpdater,
    DenseMLPUpdater,
)
FEATURES: tuple[type[Features], ...] = (GradientFeatures, IterateFeatures, LogSignFeatures)
Part = TypeVar("Part", Updater, Features)


def describe(updater: Updater, features: Features) -> dict[str, Any]:
    """Both parts, as JSON can hold them.

    Raises:
        AttributeError: if a part did not keep an argument of its constructor under its own name.
        TypeError: if it keeps what JSON cannot hold.
    """
    return {
        "updater": {"class": type(updater).__name__, "config": _told(updater)},
        "features": {"class": type(features).__name__, **_told(features)},
    }


def rebuild(
    config: Mapping[str, Any], updaters: Iterable[type[Updater]], features: Iterable[type[Features]]
) -> tuple[Updater, Features]:
    """Both parts anew, their classes looked up among the library's own and those handed over.

    Raises:
        MissingClassError: if a class is not among them.
    """
    updater = _find("updater", config["updater"]["class"], (*UPDATERS, *updaters))
    seen = dict(config["features"])
    feature = _find("features", seen.pop("class"), (*FEATURES, *features))
    return updater(**config["updater"]["config"]), feature(**seen)


def _told(part: Updater | Features) -> dict[str, Any]:
    config = part.config()
    try:
        json.dumps(config)
    except TypeError as error:
        raise TypeError(
            f"{type(part).__name__} cannot be saved ({error}); let its constructor take numbers, strings and "
            "lists of these."
        ) from error
    return config


def _find(kind: str, name: str, known: Iterable[type[Part]]) -> type[Part]:
    classes = {one.__name__: one for one in known}
    if name not in classes:
        raise MissingClassError(
            f"the optimizer was saved with the {kind} {name}, which this library does not have; pass the class: "
            f"from_pretrained(..., {kind.rstrip('s')}s=[{name}])."
        )
    return classes[name]
