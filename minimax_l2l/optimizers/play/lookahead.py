"""Lookahead: now and then back towards where the last steps began."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from minimax_l2l.errors import require_count, require_fraction
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer, require_inner_optimizer
from minimax_l2l.optimizers.handover import require_state, step_of
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, choose, leaves, map_leaves, rebuild


class Lookahead(InnerOptimizer):
    """After every `period` steps of another optimizer: y <- slow + share * (y - slow), slow <- y.

    Slow begins at y_0. Where a base circles, the chord between two points of its circle leads inwards. A step costs
    what the base's does.

    Args:
        base: a hand-designed optimizer, whose steps are taken; its start, restarts and own K are not used.
        steps: K, counted in steps of the base; None takes the base's number.
        period: steps between two looks back.
        share: of the way from the slow point to y, how much is kept; 1 is the base alone.
        random_start: see `InnerOptimizer`.

    Source: Chavdarova et al., "Taming GANs with Lookahead-Minmax", 2021; Zhang et al., 2019.
    """

    def __init__(
        self,
        base: InnerOptimizer,
        *,
        steps: int | None = None,
        period: int = 6,
        share: float = 0.5,
        random_start: float = 0.0,
    ) -> None:
        if require_inner_optimizer("base", base).learns:
            raise ValueError(
                f"base must be hand-designed, got a {type(base).__name__} that learns; nothing trains it here, "
                "so pass GradientAscent(...), say, or freeze its weights with requires_grad_(False)."
            )
        super().__init__(steps=base.steps if steps is None else steps, random_start=random_start)
        self.base = base
        self.period = require_count("period", period, least=1)
        self.share = require_fraction("share", share)

    @property
    def lengths(self) -> Mapping[str, float]:
        """Those of the base."""
        return self.base.lengths

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is a count, instance by instance, the slow point, and the base's own state."""
        first, count = leaves(y)[0], len(leaves(y))
        if not state:
            state = (first.new_zeros(len(first)), *leaves(y))
        require_state(self, state, [first.new_zeros(len(first)), *leaves(y)], more=True)
        taken, slow, own = state[0] + 1, rebuild(y, state[1 : 1 + count]), state[1 + count :]
        moved, own = step_of(self.base, oracle, y, own)
        back = map_leaves(lambda now, begun: begun + self.share * (now - begun), moved, slow)
        due = taken % self.period == 0
        moved, slow = choose(due, back, moved), choose(due, back, slow)
        return moved, (torch.where(due, 0, taken), *leaves(slow), *own)
