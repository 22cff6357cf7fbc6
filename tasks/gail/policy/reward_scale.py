"""A discriminator's rewards brought to a size that a value network can follow."""

from __future__ import annotations

import numpy as np

KEPT = 0.9  # of the scale so far, in each new one


class RewardScale:
    """The deviation of discounted sums of rewards, sum_k gamma^k r_{t+k} to the rollout's or episode's end.

    Rewards divided by it leave a policy gradient with normalised advantages as it is. But they keep the value
    network's targets near unit size, however sure the discriminator becomes.

    Attributes:
        value: averaged over rollouts, of which the last one weighs a tenth; 0 before the first.
    """

    def __init__(self) -> None:
        self.value = 0.0

    def scaled(self, rewards: np.ndarray, starts: np.ndarray, gamma: float) -> np.ndarray:
        """Take a rollout into account, and return its rewards over the scale.

        Args:
            rewards: shape (steps, environments).
            starts: 1 where the step after this one begins an episode, of the same shape.
            gamma: discount.
        """
        sums, after = np.zeros_like(rewards, dtype=np.float64), np.zeros(rewards.shape[1])
        for step in reversed(range(len(rewards))):
            after = rewards[step] + gamma * (1 - starts[step]) * after
            sums[step] = after
        now = float(sums.std())
        self.value = KEPT * self.value + (1 - KEPT) * now if self.value else now
        return rewards / self.value if self.value else rewards
