"""Classifiers by name: those of this package, and your own as `module:factory`; torch is imported to make one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from minimax_l2l.errors import require_a, require_count, told

if TYPE_CHECKING:
    from torch import nn

# A capital word in a name stands for a whole number, which the class takes under that word.
NAMES = {
    "small-resnet": "tasks.adversarial.models.small_resnet:SmallResNet",
    "small-resnet-WIDTH": "tasks.adversarial.models.small_resnet:SmallResNet",
    "strided-cnn": "tasks.adversarial.models.strided_cnn:StridedCNN",
    "strided-cnn-WIDTH": "tasks.adversarial.models.strided_cnn:StridedCNN",
    "small-cnn": "tasks.adversarial.models.small_cnn:SmallCNN",
    "resnet-18": "tasks.adversarial.models.resnet18:ResNet18",
    "preact-resnet-18": "tasks.adversarial.models.resnet18:PreActResNet18",
    "wrn-DEPTH-WIDEN": "tasks.adversarial.models.wide_resnet:WideResNet",
}
CONTRACT = "a factory is called with channels=..., classes=... and returns a torch.nn.Module"


def require_name(classifier: str) -> str:
    """A known name, or `module:factory`, whether or not there is such a module.

    Raises:
        TypeError: if it is no string.
        ValueError: if it is neither.
    """
    require_a("classifier", classifier, str, "a name", "pass one such as 'small-resnet'")
    if _known(classifier) is None and re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", classifier) is None:
        raise ValueError(
            f"there is no classifier {classifier!r}; choose one of {', '.join(NAMES)}, with numbers for capitals, "
            "such as wrn-34-10, or name your own as module:factory."
        )
    return classifier


def classifier_named(name: str, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """A new classifier.

    Args:
        name: one of `NAMES`, with numbers for capital words: `"wrn-34-10"`. Or `"package.module:factory"`: a
            function or class that is imported, from the working folder too, and called with `channels` and
            `classes`. It returns a module from images in [0, 1] to logits.
        shape: (channels, height, width) of the images.
        classes: how many logits.

    Raises:
        TypeError: if an argument is of another kind, or a factory is none or makes no module.
        ValueError: if there is no such name, module or factory, if a factory fails, or if a network of this package
            cannot take such images.
    """
    known = _known(require_name(name))
    advice = "pass (channels, height, width), such as data.shape"
    if len(require_a("shape", shape, (tuple, list), "a tuple", advice)) != 3:
        raise ValueError(f"shape must have three numbers, got {shape}; {advice}.")
    channels, height, width = (require_count(f"shape[{place}]", size, least=1) for place, size in enumerate(shape))
    given = {"channels": channels, "classes": require_count("classes", classes, least=1)}
    if known is None:
        return _own(name, given)
    form, numbers = known
    if form == "small-cnn":
        numbers = {"height": height, "width": width}
    if form.startswith("strided-cnn"):
        numbers = {**numbers, "height": height, "side": width}
    try:
        made: nn.Module = resolve_name(NAMES[form])(**given, **numbers)
    except ValueError as error:
        raise ValueError(f"classifier={name!r} cannot be made: {error}") from error
    return made


def _known(name: str) -> tuple[str, dict[str, int]] | None:
    """The form in `NAMES` that a name has, and its numbers."""
    for form in NAMES:
        found = re.fullmatch(re.sub("[A-Z]+", lambda word: rf"(?P<{word[0].lower()}>[0-9]{{1,9}})", form), name)
        if found is not None:
            return form, {key: int(number) for key, number in found.groupdict().items()}
    return None


def _own(name: str, given: dict[str, Any]) -> nn.Module:
    from torch import nn

    with _working_folder():
        try:
            factory = resolve_name(name)
        except Exception as error:  # a stranger's module may raise anything
            raise ValueError(
                f"classifier={name!r} cannot be imported, it said {type(error).__name__}: {error}; name what "
                "Python finds from here, as module:factory."
            ) from error
        if not callable(factory):
            raise TypeError(
                f"classifier={name!r} must name a function or a class, got {told(factory)}; {CONTRACT}."
            )
        try:
            made = factory(**given)
        except Exception as error:
            raise ValueError(
                f"classifier={name!r} made nothing, it said {type(error).__name__}: {error}; {CONTRACT}."
            ) from error
    network: nn.Module = require_a(
        f"what classifier={name!r} makes", made, nn.Module, "a torch.nn.Module", CONTRACT
    )
    return network


@contextmanager
def _working_folder() -> Iterator[None]:
    """Modules in the working folder are found too, after those that are installed."""
    here = str(Path.cwd())
    if here in sys.path:
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
