"""Absorbing states: what an episode that ended early would have gone on to earn.

An episode that ends early earns nothing more, which a reward of constant sign rewards or punishes whatever the
expert does. Here it goes on, in a state of its own that it never leaves. The discriminator sees that state too, as
one pair that weighs as much as the steps spent there up to the environment's time limit, and the last reward is
raised by what resting there is worth.

Source: Kostrikov et al., Discriminator-Actor-Critic, 2019, where those steps are stored one by one.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.discriminator import Discriminator
from tasks.gail.pairs import Pairs


def time_limit(environment: gymnasium.Env[Any, Any]) -> int:
    """Up to how many steps of an episode are counted.

    Raises:
        ValueError: if the environment has no limit.
    """
    horizon = environment.spec.max_episode_steps if environment.spec is not None else None
    if horizon is None:
        raise ValueError(
            "absorbing=True needs a time limit to count to, the environment has none; register it with "
            "max_episode_steps, or leave absorbing out."
        )
    return horizon


def with_absorbed(pairs: Pairs, discriminator: Discriminator, steps: float) -> Pairs:
    """Pairs that all weigh 1, and the absorbing state's, which weighs as much as so many steps."""
    weights = F.pad(pairs.inputs.new_ones(len(pairs)), (0, 1), value=steps)
    return Pairs(torch.cat([pairs.inputs, discriminator.absorbed()]), weights)


def steps_absorbed(demonstrations: Demonstrations, horizon: int) -> float:
    """How many steps the expert's ended episodes spend in the absorbing state, thinned as its other steps were.

    Raises:
        ValueError: if it is not known how an episode ended, or if one is longer than the horizon.
    """
    for number, one in enumerate(demonstrations.trajectories):
        if not (one.terminated or one.truncated):
            raise ValueError(
                f"absorbing=True needs to know how episodes ended, trajectory {number} says neither terminated nor "
                "truncated; give both to Demonstrations.from_arrays, or leave absorbing out."
            )
        if len(one) > horizon:
            raise ValueError(
                f"trajectory {number} has {len(one)} steps, the environment's time limit is {horizon}; give whole "
                "episodes of this environment."
            )
    absorbed = sum(horizon - len(one) for one in demonstrations.trajectories if one.terminated)
    kept = sum(len(one.steps) for one in demonstrations.trajectories)
    return absorbed * kept / sum(len(one) for one in demonstrations.trajectories)


def still_to_come(reward: Tensor, steps: Tensor, gamma: float) -> Tensor:
    """What resting in the absorbing state is worth now: gamma r + gamma^2 r + ... = gamma r / (1 - gamma).

    The sum has no end, because an episode that a time limit cuts off is valued as if it went on, too. With a sum up
    to the limit, ending would still be worth less, or cost less, than living on. With gamma = 1 the endless sum has
    no value, and the steps up to the limit are paid.

    Args:
        reward: r, a number.
        steps: up to the time limit, any shape.
        gamma: the discount, at most 1.

    Returns:
        Shaped as `steps`.
    """
    return reward * steps if gamma == 1 else (reward * gamma / (1 - gamma)).expand_as(steps)
