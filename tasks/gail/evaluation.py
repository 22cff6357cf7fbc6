"""What a policy achieves on episodes of its own, the same ones every time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.gail.environments import make_environments

Act = Callable[[np.ndarray], np.ndarray]


class Evaluator:
    """Fixed-seed episodes, played side by side.

    Args:
        environment_id: a gymnasium id.
        episodes: how many.
        seed: of the episodes, which are none of a training run's.
    """

    def __init__(self, environment_id: str, episodes: int, *, seed: int) -> None:
        self.environments = make_environments(environment_id, episodes, seed=seed, purpose="evaluation")

    def returns(self, act: Act) -> np.ndarray:
        """The undiscounted return of each episode by the environment's own reward, shape (episodes,).

        Args:
            act: from raw observations of shape (n, d) to n actions.
        """
        self.environments.set_attr("episodes", 0)
        observations = self.environments.reset()
        running = np.ones(self.environments.num_envs, dtype=bool)
        totals = np.zeros(self.environments.num_envs)
        while running.any():
            observations, rewards, dones, _ = self.environments.step(act(np.asarray(observations)))
            totals += np.where(running, rewards, 0)
            running &= ~dones
        return totals
