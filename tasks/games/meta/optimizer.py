"""The learned optimizer that is meta-trained."""

from __future__ import annotations

from minimax_l2l import LearnedOptimizer
from minimax_l2l.updaters.gram.updater import GramUpdater


def gram_optimizer(
    *, steps: int = 40, updater: GramUpdater | None = None, learning_rate: float = 1e-2
) -> LearnedOptimizer:
    """An untrained optimizer for games of any size: a `GramUpdater`, in a `LearnedOptimizer` as it comes.

    Args:
        steps: K.
        updater: None is `GramUpdater()`.
        learning_rate: of phi's Adam.
    """
    return LearnedOptimizer(
        GramUpdater() if updater is None else updater, steps=steps, learning_rate=learning_rate, weight_decay=0.0
    )
