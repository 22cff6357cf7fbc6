"""The inner problem of imitation: a discriminator's weights that tell the policy's pairs from the expert's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from minimax_l2l import InnerProblem, Iterate, Tree, leaves, uniform
from minimax_l2l.constraints.base import Constraint
from minimax_l2l.constraints.free import Free
from minimax_l2l.errors import require_a, require_count, require_each, require_seed
from tasks.gail.discriminator import Discriminator
from tasks.gail.pairs import Pairs
from tasks.gail.regularisers import Regulariser


@dataclass
class DiscriminatorMemory:
    """What lives on between iterations: the weights, shape (1, m), and the state of their optimizer."""

    weights: Tensor
    state: tuple[Tensor, ...] = ()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"weights": self.weights, "state": list(self.state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back.

        Raises:
            ValueError: if it is of a discriminator of another size.
        """
        if state["weights"].shape != self.weights.shape:
            raise ValueError(
                f"the discriminator has {self.weights.shape[1]} weights, those kept are {state['weights'].shape[1]}"
            )
        self.weights, self.state = state["weights"].to(self.weights.device), tuple(state["state"])
        self.to(self.weights.device)

    def to(self, device: torch.device) -> None:
        """Put both on a device."""
        self.weights = self.weights.to(device)
        self.state = tuple(part.to(device) for part in self.state)


class ImitationProblem(InnerProblem):
    """max over w of J(w) = E_pi[log D(s, a; w)] + E_E[log(1 - D(s, a; w))] - regularisers, D = sigmoid(z).

    One discriminator is one instance, however many pairs there are. No environment is in here, and no policy.

    Args:
        discriminator: z.
        memory: the weights to start from, and where the new ones are kept.
        policy: its pairs.
        expert: its pairs.
        regularisers: subtracted from J.
        constraint: the set that w stays in; None leaves it free.
        judged_by: pairs of the expert that the learned optimizer is judged by instead of `expert`, such as
            trajectories held out from the discriminator; None judges it by `expert`.
        seed: of random numbers.
        step: of random numbers, the iteration.
    """

    lives_on = True

    def __init__(
        self,
        discriminator: Discriminator,
        memory: DiscriminatorMemory,
        policy: Pairs,
        expert: Pairs,
        *,
        regularisers: Sequence[Regulariser] = (),
        constraint: Constraint | None = None,
        judged_by: Pairs | None = None,
        seed: int = 0,
        step: int = 0,
    ) -> None:
        require_a("discriminator", discriminator, Discriminator, "a Discriminator", "pass that of the task")
        require_a("memory", memory, DiscriminatorMemory, "a DiscriminatorMemory", "pass that of the task")
        for name, side in (("policy", policy), ("expert", expert), ("judged_by", judged_by)):
            if side is not None or name != "judged_by":
                require_a(name, side, Pairs, "Pairs", "pass Pairs(discriminator.encode(observations, actions))")
        self.discriminator, self.memory = discriminator, memory
        self.policy, self.expert, self.judged_by = policy, expert, judged_by
        self.regularisers = require_each(
            "regularisers", regularisers, Regulariser, "a Regulariser", "pass a list of them, [GradientPenalty()]"
        )
        self.constraint = Free() if constraint is None else constraint
        require_a("constraint", self.constraint, Constraint, "a Constraint", "pass one, or None for none")
        self.first = memory.weights
        self.seed, self.step = require_seed("seed", seed), require_count("step", step)

    def initial(self) -> Tensor:
        """The weights as the last iteration left them."""
        return self.first

    def initial_state(self) -> tuple[Tensor, ...]:
        """Their optimizer's state as the last iteration left it."""
        return self.memory.state

    def remember(self, end: Iterate, gradient: Tree | None) -> None:  # noqa: ARG002
        """Keep both for the next iteration."""
        self.memory.weights, self.memory.state = leaves(end.y)[0], end.state

    def objective(self, y: Tree) -> Tensor:
        """J less the regularisers, shape (1,)."""
        return self._value(leaves(y)[0][0], self.expert)

    def meta_objective(self, y: Tree) -> Tensor | None:
        """The same on the expert's pairs that the learned optimizer is judged by, if it has its own."""
        return None if self.judged_by is None else self._value(leaves(y)[0][0], self.judged_by)

    def noise(self, y: Tree, draw: int = 0) -> Tree:
        """Uniform numbers that depend on the seed and the iteration alone."""
        weights = leaves(y)[0]
        return uniform(weights, weights.new_zeros(1), seed=self.seed, step=self.step + 2**32 * draw)

    def _value(self, weights: Tensor, expert: Pairs) -> Tensor:
        value = self.policy.mean(F.logsigmoid(self.discriminator(weights, self.policy.inputs)))
        value = value + expert.mean(F.logsigmoid(-self.discriminator(weights, expert.inputs)))
        if self.regularisers:
            like = weights.new_empty(1, len(self.policy), 2)
            draws = uniform(like, weights.new_zeros(1), seed=self.seed, step=self.step)[0]
            for term in self.regularisers:
                value = value - term(self.discriminator, weights, self.policy, expert, draws)
        return value[None]
