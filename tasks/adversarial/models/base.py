"""What all classifiers of this package share: they normalise inside, and a folder is all it takes to load them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from minimax_l2l.checksums import require_no_run
from minimax_l2l.errors import plain, require_count
from tasks.adversarial.models.normalise import Normalise

CARD = """---
{{ card_data }}
---
# A classifier, trained by minimax_l2l

Load it with `CLASS.from_pretrained(...)`.
"""


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

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Save to a folder.

        Args:
            save_directory: the folder.
            **options: those of `huggingface_hub.ModelHubMixin.save_pretrained`, such as `push_to_hub`.

        Raises:
            ValueError: if it is a run's folder, whose own files would be replaced.
        """
        require_no_run("save_directory", Path(save_directory), ("config.json", "model.safetensors"))
        return super().save_pretrained(save_directory, **options)


def _told(argument: Any) -> Any:
    """A constructor's argument as JSON can hold it."""
    return [plain(value) for value in argument] if isinstance(argument, list | tuple) else plain(argument)
