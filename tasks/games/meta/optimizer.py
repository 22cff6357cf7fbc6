"""The learned optimizer that is meta-trained: a `GramUpdater`, and what suits it."""

from __future__ import annotations

from minimax_l2l import GradientFeatures, LearnedOptimizer
from minimax_l2l.updaters.gram.updater import GramUpdater


def gram_optimizer(
    *, steps: int = 40, updater: GramUpdater | None = None, learning_rate: float = 1e-2
) -> LearnedOptimizer:
    """An untrained optimizer for games of any size: its updater sees the gradient as it is, and moves freely.

    In a set the gradient is replaced by how far a step of size 0.05 moves that stays in the set, so that it is zero
    at a solution on the boundary too.

    Args:
        steps: K.
        updater: None is `GramUpdater()`.
        learning_rate: of phi's Adam.
    """
    return LearnedOptimizer(
        GramUpdater() if updater is None else updater,
        steps=steps,
        features=GradientFeatures("none"),
        squash=False,
        projected_gradient=0.05,
        learning_rate=learning_rate,
        weight_decay=0.0,
    )
