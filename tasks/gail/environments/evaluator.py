"""What a policy achieves on episodes of its own, the same ones every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tasks.gail.environments.seeded_episodes import make_environments

Act = Callable[[np.ndarray], np.ndarray]


class Episodes(NamedTuple):
    """Episodes that were played to their ends.

    Attributes:
        returns: of each, shape (episodes,).
        observations: raw, of all steps of all, shape (steps, d).
        actions: taken there, shape (steps,) or (steps, ...).
    """

    returns: np.ndarray
    observations: np.ndarray
    actions: np.ndarray


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
        """The undiscounted return of each episode, see `play`."""
        return self.play(act).returns

    def play(self, act: Act) -> Episodes:
        """The episodes, by the environment's own reward.

        Args:
            act: from raw observations of shape (n, d) to n actions.

        Raises:
            ValueError: if a reward is NaN or infinite.
        """
        self.environments.set_attr("episodes", 0)
        seen = np.asarray(self.environments.reset())
        running = np.ones(self.environments.num_envs, dtype=bool)
        totals = np.zeros(self.environments.num_envs)
        observations, actions = [], []
        while running.any():
            done = np.asarray(act(seen))
            observations.append(seen[running])
            actions.append(done[running])
            after, rewards, ends, _ = self.environments.step(done)
            seen = np.asarray(after)
            totals += np.where(running, rewards, 0)
            running &= ~ends
        return Episodes(totals, np.concatenate(observations), np.concatenate(actions))
