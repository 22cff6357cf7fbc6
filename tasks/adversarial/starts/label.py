"""A start that only the label decides, but for noise: where a grey image of that class would be attacked from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from minimax_l2l import leaves
from minimax_l2l.errors import require_count, require_fraction
from minimax_l2l.modes import querying
from tasks.adversarial.data.images import Images
from tasks.adversarial.losses import cross_entropy
from tasks.adversarial.starts.base import Start

if TYPE_CHECKING:
    from tasks.adversarial.problem import PerturbationProblem

# Random numbers of its own, apart from those of an optimizer's random starts, which count from 0.
NOISE, REPLACED, SHARE, SIGN = range(2**20, 2**20 + 4)


class LabelStart(Start):
    """y_0,i = +-eps direction(g_c), c = label_i, with some of its entries replaced by a random point of the ball.

    g_c is the gradient of cross-entropy for class c at an image that is 1/2 everywhere. It is asked for anew in
    every so many-th step, in eval mode, with one batch of `classes` images: that many of a batch's n are that share
    of a pass, which is counted. The sign and the share of replaced entries are drawn anew for each image at each
    step. In an L2 ball the direction is g_c over its length.

    The authors' code draws one sign and one share for a batch. At eps = 16/255 it draws the noise from twice the
    radius and does not clip; a wider `threat` with `validated_at=` and a shorter step come near to it.

    Source: LIET (github.com/fzjcdt/LIET, 2025).

    Args:
        classes: how many there are.
        every: steps between two questions.
        least: smallest share of replaced entries.
        most: largest share of them.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if a share lies outside [0, 1], `least` exceeds `most`, or a count is too small.
    """

    def __init__(self, classes: int, *, every: int = 20, least: float = 0.1, most: float = 0.5) -> None:
        self.classes, self.every = (
            require_count("classes", classes, least=2),
            require_count("every", every, least=1),
        )
        self.least, self.most = require_fraction("least", least), require_fraction("most", most)
        if least > most:
            raise ValueError(f"least={least:g} must not exceed most={most:g}; exchange them.")
        self._directions: Tensor | None = None
        self._asked = 0  # at which step

    def initial(self, problem: PerturbationProblem) -> Tensor:
        """Another point at each step; of images of the same class, up to sign and noise, the same."""
        pattern = problem.threat.eps * self._at(problem).to(problem.images)[problem.labels]
        blank = torch.zeros_like(problem.images)
        one = blank[:, :1, :1, :1]
        share, sign = (leaves(problem.noise(one, draw))[0] for draw in (SHARE, SIGN))
        noise = leaves(problem.threat.sample(problem.noise(blank, NOISE)))[0]
        replaced = leaves(problem.noise(blank, REPLACED))[0] < self.least + (self.most - self.least) * share
        return torch.where(sign < 0.5, -1, 1) * torch.where(replaced, noise, pattern)

    def _at(self, problem: PerturbationProblem) -> Tensor:
        """The classes' directions; asked for if it is time, or if a run has begun again."""
        if self._directions is None or not 0 <= problem.step - self._asked < self.every:
            self._directions, self._asked = self._ask(problem), problem.step
        return self._directions

    def asks(self, step: int) -> bool:
        """In every so many-th."""
        return step % self.every == 0

    def _ask(self, problem: PerturbationProblem) -> Tensor:
        classifier, labels = problem.module, torch.arange(self.classes, device=problem.images.device)
        assert classifier is not None
        with querying(classifier, "eval"), torch.enable_grad():
            change = problem.images.new_zeros(self.classes, *problem.images.shape[1:]).requires_grad_()
            losses = problem.count(
                lambda: cross_entropy(classifier(0.5 + change), labels), len(problem.images), theta=None
            )
            (slope,) = torch.autograd.grad(losses.sum(), change)
        return leaves(problem.threat.direction(slope))[0]

    def require_images(self, images: Images | DataLoader[Any], augment: object) -> None:  # noqa: ARG002
        """Refuse labels of more classes."""
        if isinstance(images, Images) and (largest := int(images.labels.max())) >= self.classes:
            raise ValueError(
                f"the start was made for classes={self.classes}, and there is a label {largest}; pass the number "
                "of classes that the data have."
            )

    def state_dict(self) -> dict[str, Any]:
        """The directions, and when they were asked for."""
        return {"directions": self._directions, "asked": self._asked}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._directions, self._asked = state["directions"], state["asked"]
