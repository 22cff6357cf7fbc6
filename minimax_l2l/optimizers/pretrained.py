"""Learned optimizers on disk and on the Hugging Face Hub: safetensors weights beside a JSON config."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Self, TypeVar

from huggingface_hub import ModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from minimax_l2l.arguments import arguments
from minimax_l2l.errors import DamagedRunError, MissingClassError, require_a, told
from minimax_l2l.features import Features, GradientFeatures, IterateFeatures, LogSignFeatures
from minimax_l2l.fingerprint import fingerprint
from minimax_l2l.hub import OPTIONS, located
from minimax_l2l.own_code import tell, warn_if_another
from minimax_l2l.saves import CONFIG, WEIGHTS, saving
from minimax_l2l.updaters.base import Updater
from minimax_l2l.updaters.cnn import CNNUpdater
from minimax_l2l.updaters.gram.updater import GramUpdater
from minimax_l2l.updaters.perceptrons import DenseMLPUpdater, LowRankUpdater, MLPUpdater
from minimax_l2l.updaters.rnn import RNNUpdater
from minimax_l2l.updaters.rows import RowUpdater

UPDATERS: Sequence[type[Updater]] = (
    CNNUpdater,
    RNNUpdater,
    MLPUpdater,
    RowUpdater,
    LowRankUpdater,
    DenseMLPUpdater,
    GramUpdater,
)
FEATURES: Sequence[type[Features]] = (GradientFeatures, IterateFeatures, LogSignFeatures)
WITH_US = Path(__file__).parent / "shipped"
SHIPPED = ("gram-games",)
Part = TypeVar("Part", Updater, Features)
CHECKSUM = "sha256"
OWN_CODE = "own_code"
CLASS = "class"
PLACES = "pass the folder that save_pretrained wrote, or a repository's name, 'user/name'"
CARD = """---
{{ card_data }}
---
# A learned inner optimizer, trained by minimax_l2l

Load it with `LearnedOptimizer.from_pretrained(...)`.
"""


class PretrainedMixin(ModelHubMixin, nn.Module, model_card_template=CARD):
    """`save_pretrained`, `from_pretrained` and `push_to_hub` for what a config and weights build again.

    A config names the classes of the parts, which are looked up among this library's and those handed to
    `from_pretrained(..., updaters=[MyUpdater], features=[MyFeatures])`: loading a folder never imports or runs
    code. What such a class does is kept as well, see `minimax_l2l.own_code.tell`. One of the same name that does
    something else now is taken with a warning, for it may have been made better.
    """

    updater: Updater
    features: Features

    def config(self) -> dict[str, Any]:
        """Its constructor's arguments, the updater and the features by class name, as `config.json` holds them.

        Raises:
            AttributeError: if a part did not keep an argument of its constructor under its own name.
            TypeError: if a part keeps what JSON cannot hold.
        """
        updater = {"class": type(self.updater).__name__, "config": _told(self.updater)}
        features = {"class": type(self.features).__name__, **_told(self.features)}
        return {**arguments(self), "updater": updater, "features": features}

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        updaters: Sequence[type[Updater]] = (),
        features: Sequence[type[Features]] = (),
    ) -> Self:
        """The optimizer that a config tells, untrained.

        Args:
            config: what `config()` returned.
            updaters: classes beside the library's own.
            features: classes beside the library's own.

        Raises:
            MissingClassError: if a class is neither the library's own nor among these.
        """
        updater, seen = config["updater"], dict(config["features"])
        network = _find("updater", updater["class"], (*UPDATERS, *updaters))
        view = _find("features", seen.pop("class"), (*FEATURES, *features))
        return cls(**{**config, "updater": network(**updater["config"]), "features": view(**seen)})

    def _parts(self) -> dict[str, type]:
        return {"optimizer": type(self), "updater": type(self.updater), "features": type(self.features)}

    def _save_pretrained(self, save_directory: Path) -> None:
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        own = {name: told for name, part in self._parts().items() if (told := tell(part))["code"]}
        told = {CLASS: type(self).__name__, **self.config(), CHECKSUM: fingerprint(tensors.values())}
        config = {**told, **({OWN_CODE: own} if own else {})}
        save_file(tensors, save_directory / WEIGHTS)
        (save_directory / CONFIG).write_text(json.dumps(config, indent=2) + "\n")

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        overwrite: bool = False,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **options: Any,
    ) -> str | None:
        """Save to a folder: config, weights, and the checksums of both.

        Args:
            save_directory: the folder.
            overwrite: whether what was saved there before is replaced; a run's files never are.
            push_to_hub: whether it goes to the Hub as well, once it is saved.
            repo_id: the repository there; None is the folder's name.
            **options: those of `huggingface_hub.ModelHubMixin.push_to_hub`.

        Raises:
            NoRoomError: if the disk is full; what was saved there before is whole.
            ValueError: if something was saved there and is not to be replaced, if it is a run's folder, or if it
                cannot be written to.
        """
        folder = Path(_require_path("save_directory", save_directory))
        self.config()  # refuses what could not be saved, before anything is replaced
        with saving("save_directory", folder, overwrite=overwrite) as draft:
            super().save_pretrained(draft, **options)
        return self.push_to_hub(repo_id or folder.name, **options) if push_to_hub else None

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        updaters: Sequence[type[Updater]] = (),
        features: Sequence[type[Features]] = (),
        **options: Any,
    ) -> Self:
        """Load an optimizer from a folder or from the Hub.

        Args:
            pretrained_model_name_or_path: the folder, a repository's name, or the name of one that ships with this
                library: "gram-games", which was trained to settle games. The Hub is asked only for names
                with a slash.
            updaters: classes beside the library's own.
            features: classes beside the library's own.
            **options: of a download from the Hub: `revision`, `token`, `cache_dir`, `force_download` and
                `local_files_only`.

        Raises:
            TypeError: if another option is given: what was saved keeps its settings.
            FileNotFoundError: if there is no such folder, nor a repository that can be reached; or if nothing was
                saved there: where the optimizer is, if it is a run's or an attack's.
            DamagedRunError: if a file that was saved there is damaged, or gone.
            MissingClassError: if the optimizer was saved with an updater or features that are not known, or is
                of a class that takes other arguments than this one.

        Warns:
            UserWarning: if a class of one's own is not the one that it was saved with, by its code.
        """
        if strange := [name for name in options if name not in OPTIONS]:
            raise TypeError(
                f"from_pretrained does not take {strange[0]!r}, since what was saved keeps its settings; pass "
                f"steps to maximize. Of the Hub it takes {', '.join(OPTIONS)}."
            )
        place = str(_require_path("pretrained_model_name_or_path", pretrained_model_name_or_path))
        if place in SHIPPED and not os.path.isdir(place):
            place = str(WITH_US / place)
        _require_classes("updaters", updaters, Updater)
        _require_classes("features", features, Features)
        beside = _beside(Path(place))
        folder = located(place, "optimizer", beside or PLACES, shipped=SHIPPED, **options)
        try:
            saved = dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
            checksum, own = saved.pop(CHECKSUM, None), saved.pop(OWN_CODE, {})
            _require_arguments(cls, saved, saved.pop(CLASS, None), place)
            optimizer = cls.from_config(saved, updaters=updaters, features=features)
            tensors = load_file(folder / WEIGHTS)
            optimizer.load_state_dict(tensors)
            if checksum not in (None, fingerprint(tensors[name] for name in optimizer.state_dict())):
                raise ValueError("the weights are not those it was saved with")
            for name, part in optimizer._parts().items():
                if name in own:
                    warn_if_another(name, own[name], part)
        except MissingClassError:
            raise
        except (LookupError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise DamagedRunError(
                f"{place} is no whole saved optimizer ({error}); "
                f"{beside or 'save it again with save_pretrained, or load another'}."
            ) from error
        return optimizer


def _beside(place: Path) -> str:
    """What to pass instead of a run's folder, a saved attack's, or that of its classifier."""
    found = next(
        (own for own in (place / "optimizer", place.parent / "optimizer") if (own / WEIGHTS).is_file()), place
    )
    return f"pass {str(found)!r}" if found != place else ""


def _require_path(name: str, path: str | Path) -> str | Path:
    return require_a(name, path, (str, Path), "a folder or a name on the Hub", "pass a string or a Path")


def _require_arguments(kind: type, config: Mapping[str, Any], made: str | None, place: str) -> None:
    """Refuse what an optimizer of another class has saved, if this one does not take its arguments."""
    taken = signature(kind).parameters
    takes_all = any(one.kind is Parameter.VAR_KEYWORD for one in taken.values())
    if made not in (None, kind.__name__) and config.keys() - taken.keys() and not takes_all:
        raise MissingClassError(f"{place} holds a {made}; load it with {made}.from_pretrained.")


def _require_classes(name: str, classes: Sequence[type], base: type) -> None:
    advice = f"pass a list of subclasses of {base.__name__}"
    for kind in require_a(name, classes, (list, tuple), "a list of classes", advice):
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise TypeError(f"each of {name} must be a subclass of {base.__name__}, got {told(kind)}; {advice}.")


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
