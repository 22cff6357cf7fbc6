"""Adam as an inner optimizer, whose moments can live on between problems."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.optim.adam import adam

from minimax_l2l.errors import require_number, require_positive, told
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, leaves, rebuild


class Adam(InnerOptimizer):
    """y_{k+1} = project(y_k + lr * m_hat / (sqrt(v_hat) + 1e-8)), torch's Adam, ascending.

    The moments are the state, so a problem that remembers them makes one long run of Adam out of many short ones:
    this is how original GAIL trains its discriminator.

    Args:
        lr: learning rate, in units of y.
        steps: K.
        betas: decay of the first and of the second moment, each in [0, 1).
        random_start: see `InnerOptimizer`.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        *,
        steps: int = 1,
        betas: tuple[float, float] = (0.9, 0.999),
        random_start: float = 0.0,
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.lr = require_positive("lr", lr)
        if not isinstance(betas, list | tuple) or len(betas) != 2:
            raise TypeError(f"betas must be two numbers, got {told(betas)}; pass a pair such as (0.9, 0.999).")
        self.betas = (require_number("betas[0]", betas[0]), require_number("betas[1]", betas[1]))
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(
                f"betas must both lie in [0, 1), got {betas}; pass a pair such as (0.9, 0.999): a moment with 1 "
                "would never take up a gradient."
            )

    @property
    def lengths(self) -> Mapping[str, float]:
        """The learning rate: how far Adam's first step goes in each coordinate."""
        return {"lr": self.lr}

    @torch.no_grad()
    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is a count, then first moments, then second moments, one per leaf."""
        gradients = list(leaves(oracle.gradient(y)))
        moved = [leaf.detach().clone() for leaf in leaves(y)]
        if state:
            require_state(self, state, [torch.zeros(()), *moved, *moved])
        old = state or (torch.zeros(()), *(torch.zeros_like(leaf) for leaf in (*moved, *moved)))
        count, *moments = [part.clone() for part in old]
        first, second = moments[: len(moved)], moments[len(moved) :]
        adam(
            moved,
            gradients,
            first,
            second,
            max_exp_avg_sqs=[],
            state_steps=[count.clone() for _ in moved],
            foreach=False,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.lr,
            weight_decay=0.0,
            eps=1e-8,
            maximize=True,
        )
        return oracle.problem.constraint.project(rebuild(y, moved)), (count + 1, *first, *second)
