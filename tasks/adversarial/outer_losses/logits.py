"""The classifier's logits that an outer loss asks for, each from one forward."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from minimax_l2l import Tree
from tasks.adversarial.problem import PerturbationProblem


class Logits:
    """Logits at the clean images, at the start and at the end of the attack, shape (n, classes).

    Each is computed when it is first asked for, in the mode that the classifier is in, and costs one forward pass.

    Args:
        problem: the batch's.
        y: y_K, where the attack ended.

    Attributes:
        labels: of the images, shape (n,).
    """

    def __init__(self, problem: PerturbationProblem, y: Tree) -> None:
        self._problem, self._y = problem, y
        self.labels = problem.labels

    @cached_property
    def clean(self) -> Tensor:
        """At the images themselves."""
        return self._at(self._problem.images)

    @cached_property
    def start(self) -> Tensor:
        """At y_0, where the attack started, its random part included."""
        return self._at(self._problem.view(self._problem.first))

    @cached_property
    def attacked(self) -> Tensor:
        """At y_K."""
        return self._at(self._problem.view(self._y))

    @cached_property
    def ascended(self) -> Tensor:
        """What y ascends, at y_K: the mean over images."""
        return self._problem.loss(self.attacked, self.labels).mean()

    def _at(self, images: Tensor) -> Tensor:
        assert self._problem.module is not None
        logits: Tensor = self._problem.module(images)
        return logits
