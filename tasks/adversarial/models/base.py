"""What all classifiers of this package share: they normalise inside, and a folder is all it takes to load them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from pathlib import Path
from typing import Any, Self

from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from torch import nn

from minimax_l2l.errors import DamagedRunError, plain, require_count, require_path
from minimax_l2l.hub import OPTIONS, located
from minimax_l2l.saves import saving
from tasks.adversarial.models.normalise import Normalise

CARD = """---
{{ card_data }}
---
# A classifier, trained by minimax_l2l

Load it with `CLASS.from_pretrained(...)`.
"""
PLACES = "pass the folder that save_pretrained wrote, model/ of a run, or a repository's name, 'user/name'"


class Classifier(nn.Module, PyTorchModelHubMixin):
    """A network from images of shape (n, channels, height, width) in [0, 1] to logits of shape (n, classes).

    Its `forward` begins with `self.normalise`. `save_pretrained` writes weights and constructor's arguments, from
    which `from_pretrained` makes it again.

    Args:
        channels: of the images.
        classes: how many logits.
        mean: of each channel, subtracted inside; None, with std, leaves pixels as they are.
        std: of each channel, divided by inside.

    Raises:
        TypeError: if a number is none.
        ValueError: if a number makes no sense, or mean and std do not go with the channels.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__(
            model_card_template=CARD.replace("CLASS", cls.__name__),
            coders=dict.fromkeys((Number, list, tuple), (_told, _told)),  # else NumPy's numbers would be left out
        )

    def __init__(
        self, channels: int, classes: int, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> None:
        super().__init__()
        require_count("channels", channels, least=1)
        require_count("classes", classes, least=1)
        if (mean is None) != (std is None):
            missing, given = ("mean", "std") if mean is None else ("std", "mean")
            raise ValueError(f"{given} was given without {missing}; pass mean and std, or neither.")
        if mean is None or std is None:
            self.normalise: nn.Module = nn.Identity()
            return
        self.normalise = Normalise(mean, std)
        if len(mean) != channels:
            raise ValueError(
                f"mean and std have {len(mean)} numbers, the images channels={channels}; give one for each channel."
            )

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
        folder = require_path("save_directory", save_directory)
        with saving("save_directory", folder, overwrite=overwrite) as draft:
            super().save_pretrained(draft, **options)
        return self.push_to_hub(repo_id or folder.name, **options) if push_to_hub else None

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, strict: bool = True, **options: Any
    ) -> Self:
        """Load a classifier from a folder or from the Hub.

        Args:
            pretrained_model_name_or_path: the folder, or a repository's name.
            strict: whether all weights must be there, and no others.
            **options: those of `huggingface_hub.PyTorchModelHubMixin.from_pretrained`, such as `revision`, and
                arguments of the constructor.

        Raises:
            DamagedRunError: if a file that was saved there is damaged, or gone, or holds another network.
            FileNotFoundError: if there is no such folder, nor a repository that can be reached; or if nothing was
                saved there.
        """
        place = require_path("pretrained_model_name_or_path", pretrained_model_name_or_path)
        downloading = {name: options.pop(name) for name in OPTIONS if name in options}
        folder = located(place, "classifier", PLACES, **downloading)
        try:
            return super().from_pretrained(folder, strict=strict, **options)
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError) as error:
            found = str(error).partition("\n")[0]  # torch lists every weight below
            raise DamagedRunError(
                f"{place} is no whole saved {cls.__name__} ({type(error).__name__}: {found}); load it with the "
                "class that saved it, or save it again."
            ) from error


def _told(argument: Any) -> Any:
    """A constructor's argument as JSON can hold it."""
    return [plain(value) for value in argument] if isinstance(argument, list | tuple) else plain(argument)
