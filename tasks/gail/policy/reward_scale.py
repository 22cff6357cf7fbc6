"""A discriminator's rewards brought to a size that a value network can follow."""

from __future__ import annotations

import numpy as np

KEPT = 0.9  # of the scale so far, in each new one


class RewardScale:
    """The deviation of discounted sums of rewards, sum_k gamma^k r_{t+k} to the rollout's or episode's end.

    With normalised advantages a policy's gradient does not depend on the size of rewards. The value network's
    targets do. Divided by this scale they stay near unit size, however sure the discriminator becomes.

    Attributes:
        value: averaged over rollouts, of which the last one weighs a tenth; 0 before the first.
    """

    def __init__(self) -> None:
        self.value = 0.0

    def scaled(self, rewards: np.ndarray, ends: np.ndarray, gamma: float) -> np.ndarray:
        """Take a rollout into account, and return its rewards over the scale.

        Args:
            rewards: shape (steps, environments).
            ends: 1 where a step ends an episode and 0 elsewhere, of the same shape.
            gamma: discount.
        """
        sums, after = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
        for step in reversed(range(len(rewards))):
            after = rewards[step] + gamma * (1 - ends[step]) * after
            sums[step] = after
        now = float(sums.std())
        self.value = KEPT * self.value + (1 - KEPT) * now if self.value else now
        return rewards / self.value if self.value else rewards
