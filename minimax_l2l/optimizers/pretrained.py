"""Learned optimizers on disk and on the Hugging Face Hub: safetensors weights beside a JSON config."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from huggingface_hub import ModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from minimax_l2l.errors import DamagedRunError, require_choice
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

if TYPE_CHECKING:
    from minimax_l2l.optimizers.learned import LearnedOptimizer

WEIGHTS, CONFIG = "model.safetensors", "config.json"
_UPDATERS: tuple[type[Updater], ...] = (
    CNNUpdater,
    RNNUpdater,
    MLPUpdater,
    RowUpdater,
    LowRankUpdater,
    DenseMLPUpdater,
)
_OPTIONS = (
    "steps",
    "step_size",
    "random_start",
    "detach_iterates",
    "truncate",
    "second_order",
    "relative",
    "max_relative_step",
    "learning_rate",
    "weight_decay",
    "clip_norm",
)


CARD = """---
{{ card_data }}
---
# A learned inner optimizer, trained by minimax_l2l

Load it with `LearnedOptimizer.from_pretrained(...)`.
"""


class PretrainedMixin(ModelHubMixin, model_card_template=CARD):
    """`save_pretrained`, `from_pretrained` and `push_to_hub` for learned optimizers.

    A config names its updater by class name, which is looked up among this library's updaters and those
    handed to `from_pretrained(..., updaters=[MyUpdater])`: loading a folder never imports or runs code.
    """

    def config(self) -> dict[str, Any]:
        """What the optimizer is built from again, as `config.json` holds it.

        Raises:
            TypeError: if its features are not the library's own, or its updater keeps what JSON cannot hold.
            AttributeError: if the updater did not keep an argument of its constructor under its own name.
        """
        optimizer = cast("LearnedOptimizer", self)
        config = {
            "updater": {"class": type(optimizer.updater).__name__, "config": optimizer.updater.config()},
            "features": _describe(optimizer.features),
            **{name: getattr(optimizer, name) for name in _OPTIONS},
        }
        json.dumps(config)
        return config

    def _save_pretrained(self, save_directory: Path) -> None:
        (save_directory / CONFIG).write_text(json.dumps(self.config(), indent=2) + "\n")
        optimizer = cast("LearnedOptimizer", self)
        tensors = {name: value.detach().cpu().contiguous() for name, value in optimizer.state_dict().items()}
        save_file(tensors, save_directory / WEIGHTS)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> Self:
        """Load an optimizer from a folder or from the Hub.

        Args:
            pretrained_model_name_or_path: the folder, or a repository's name.
            **options: `updaters`, classes beside the library's own; and those of
                `huggingface_hub.ModelHubMixin.from_pretrained`.

        Raises:
            FileNotFoundError: if the folder lacks a file.
            DamagedRunError: if a file in it is damaged.
            ValueError: if the optimizer was saved with an updater that is not known.
        """
        try:
            return super().from_pretrained(pretrained_model_name_or_path, **options)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _damage(str(pretrained_model_name_or_path), error) from error

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        updaters: Sequence[type[Updater]] = (),
        **_: Any,
    ) -> Self:
        def fetch(name: str) -> Path:
            local = Path(model_id) / name
            if Path(model_id).is_dir():
                if not local.is_file():
                    raise FileNotFoundError(f"{model_id} holds no {name}, so it is not a saved optimizer.")
                return local
            return Path(
                hf_hub_download(
                    model_id,
                    name,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                )
            )

        config_file, weights_file = fetch(CONFIG), fetch(WEIGHTS)
        known = {updater.__name__: updater for updater in (*_UPDATERS, *updaters)}
        with _damage_explained(model_id):
            config = json.loads(config_file.read_text(encoding="utf-8"))
            wanted = config["updater"]["class"]
        if wanted not in known:
            raise ValueError(
                f"{model_id} was saved with the updater {wanted}, which this library does not have; "
                f"pass it: from_pretrained(..., updaters=[{wanted}])."
            )
        with _damage_explained(model_id):
            optimizer = cls(
                known[wanted](**config["updater"]["config"]),
                features=_recall(config["features"]),
                **{name: config[name] for name in _OPTIONS},
            )
            cast("LearnedOptimizer", optimizer).load_state_dict(load_file(weights_file))
        return optimizer


@contextmanager
def _damage_explained(model_id: str) -> Iterator[None]:
    """Turn whatever a damaged config or weight file causes into one sentence."""
    try:
        yield
    except (LookupError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damage(model_id, error) from error


def _damage(model_id: str, error: Exception) -> DamagedRunError:
    return DamagedRunError(
        f"{model_id} is no whole saved optimizer ({error}); save it again with save_pretrained, or load another."
    )


def _describe(features: Features) -> dict[str, Any]:
    if isinstance(features, GradientFeatures):
        return {"class": "GradientFeatures", "normalise": features.normalise, "iterate": features.iterate}
    if isinstance(features, LogSignFeatures):
        return {"class": "LogSignFeatures", "p": features.p, "iterate": features.iterate}
    if isinstance(features, IterateFeatures):
        return {"class": "IterateFeatures"}
    raise TypeError(
        f"only the library's own features can be saved, got {type(features).__name__}; "
        "save the optimizer's state_dict() instead."
    )


def _recall(config: dict[str, Any]) -> Features:
    kind = require_choice("features", config["class"], ("GradientFeatures", "IterateFeatures", "LogSignFeatures"))
    if kind == "IterateFeatures":
        return IterateFeatures()
    if kind == "LogSignFeatures":
        return LogSignFeatures(config["p"], iterate=config["iterate"])
    return GradientFeatures(config["normalise"], iterate=config["iterate"])
