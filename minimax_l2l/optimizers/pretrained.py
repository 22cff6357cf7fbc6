"""Learned optimizers on disk and on the Hugging Face Hub: safetensors weights beside a JSON config."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from minimax_l2l.errors import DamagedRunError, MissingClassError
from minimax_l2l.features import Features
from minimax_l2l.updaters import Updater

WEIGHTS, CONFIG = "model.safetensors", "config.json"
CARD = """---
{{ card_data }}
---
# A learned inner optimizer, trained by minimax_l2l

Load it with `LearnedOptimizer.from_pretrained(...)`.
"""


class PretrainedMixin(ModelHubMixin, nn.Module, ABC, model_card_template=CARD):
    """`save_pretrained`, `from_pretrained` and `push_to_hub` for modules that a config and weights build again.

    A config names the classes of an optimizer's parts, which are looked up among this library's and those handed
    to `from_pretrained(..., updaters=[MyUpdater], features=[MyFeatures])`: loading a folder never imports or runs
    code.
    """

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """What the module is built from again, as `config.json` holds it.

        Raises:
            AttributeError: if a part did not keep an argument of its constructor under its own name.
            TypeError: if a part keeps what JSON cannot hold.
        """

    @classmethod
    @abstractmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        updaters: Sequence[type[Updater]] = (),
        features: Sequence[type[Features]] = (),
    ) -> Self:
        """The module that a config tells, untrained.

        Args:
            config: what `config()` returned.
            updaters: classes beside the library's own.
            features: classes beside the library's own.

        Raises:
            MissingClassError: if a class is neither the library's own nor among these.
        """

    def _save_pretrained(self, save_directory: Path) -> None:
        (save_directory / CONFIG).write_text(json.dumps(self.config(), indent=2) + "\n")
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, save_directory / WEIGHTS)

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
            pretrained_model_name_or_path: the folder, or a repository's name.
            updaters: classes beside the library's own.
            features: classes beside the library's own.
            **options: those of `huggingface_hub.ModelHubMixin.from_pretrained`.

        Raises:
            FileNotFoundError: if the folder lacks a file.
            DamagedRunError: if a file in it is damaged.
            MissingClassError: if the optimizer was saved with an updater or features that are not known.
        """
        try:
            return super().from_pretrained(
                pretrained_model_name_or_path, updaters=updaters, features=features, **options
            )
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
        features: Sequence[type[Features]] = (),
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
        with _damage_explained(model_id):
            config = json.loads(config_file.read_text(encoding="utf-8"))
            optimizer = cls.from_config(config, updaters=updaters, features=features)
            optimizer.load_state_dict(load_file(weights_file))
        return optimizer


@contextmanager
def _damage_explained(model_id: str) -> Iterator[None]:
    """Turn whatever a damaged config or weight file causes into one sentence."""
    try:
        yield
    except MissingClassError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damage(model_id, error) from error


def _damage(model_id: str, error: Exception) -> DamagedRunError:
    return DamagedRunError(
        f"{model_id} is no whole saved optimizer ({error}); save it again with save_pretrained, or load another."
    )
