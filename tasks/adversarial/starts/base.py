"""Where an attack on a batch starts, as an object that a training may hand anything on with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils.data import DataLoader

from minimax_l2l import Iterate, Tree
from minimax_l2l.arguments import Shown
from tasks.adversarial.data.augmentation import CropAndFlip
from tasks.adversarial.data.images import Images

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem


class Start(Shown, ABC):
    """y_0 of the attacks of a training, and what is kept from one step for later ones.

    A subclass needs one method, `initial`. The inner optimizer moves what that returns by its own random start, if
    it has one, and projects it.

    Attributes:
        keeps_gradient: whether `remember` is to receive the gradient at y_K, a by-product of theta's own pass.
    """

    keeps_gradient: bool = False

    @abstractmethod
    def initial(self, problem: PerturbationProblem) -> Tensor:
        """Perturbations to start from, shaped as `problem.images`; asked for any number of times in a step."""

    def remember(self, problem: PerturbationProblem, end: Iterate, gradient: Tree | None) -> None:
        """Keep what later attacks need, at the end of a step. Keeps nothing here; see `InnerProblem.remember`."""

    def asks(self, step: int) -> bool:  # noqa: ARG002
        """Whether finding y_0 takes passes of its own in a step of a run, in `initial`. None here."""
        return False

    def require_images(self, images: Images | DataLoader[Any], augment: object) -> None:
        """Refuse images, or an augmentation of them, that this start cannot follow. Takes any here."""

    def require_shares(self, batch_size: int, processes: int) -> None:
        """Refuse to be asked by so many processes, which share each batch. Takes any here."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: tensors and plain values only."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""


def require_followed(images: Images | DataLoader[Any], augment: object) -> Images:
    """Images whose pixels can be found again from epoch to epoch, for starts that belong to pixels.

    Raises:
        ValueError: if they are not in memory, or augmented by something else than `CropAndFlip`.
    """
    if not isinstance(images, Images) or not isinstance(augment, CropAndFlip | None):
        raise ValueError(
            "remembered starts belong to pixels that can be found again, so they need images in memory, and "
            "CropAndFlip() if there is an augment; pass the data set itself, or remembers=False."
        )
    return images
