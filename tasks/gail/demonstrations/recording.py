"""Recording demonstrations: a policy plays whole episodes, each with a seed of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from minimax_l2l.errors import require_count
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.trajectory import Trajectory, naming
from tasks.gail.environments.seeded_episodes import SeededEpisodes, make_environment

Policy = Callable[[np.ndarray], Any]
"""From one raw observation, shape (d,), to one action."""
_OF_MODELS = (
    "return a whole number for discrete actions and an array for a box; of a model of Stable-Baselines3, pass "
    "lambda observation: model.predict(observation)[0]."
)


def record(policy: Policy, environment_id: str, episodes: int, *, seed: int) -> Demonstrations:
    """Let a policy play and keep what it saw, raw, and did.

    Args:
        policy: from a raw observation, shape (d,), to an action.
        environment_id: the gymnasium id.
        episodes: how many.
        seed: of the episodes, which are none of a training run's, and of torch's generator while the policy plays,
            so that one that samples does the same again.

    Returns:
        The episodes, with the environment's own rewards.

    Raises:
        TypeError: if the policy is no function.
        ValueError: if the environment is not known or not supported or gives NaN, if `episodes` is below 1, or if
            the policy gives something else than an action.
    """
    require_count("episodes", episodes, least=1)
    if not callable(policy):
        raise TypeError(
            f"a policy must be a function from an observation to an action, got {type(policy).__name__}; "
            f"{_OF_MODELS}"
        )
    environment = make_environment(environment_id, seed=seed, purpose="demonstrations")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trajectories = tuple(_play(policy, environment, number) for number in range(episodes))
    environment.close()
    return Demonstrations(environment.id, trajectories)


def _require_action(space: gymnasium.Space[Any], action: Any) -> None:
    if isinstance(space, spaces.Discrete):
        fits = space.contains(action)
    else:
        fits = not isinstance(action, tuple) and np.shape(action) == space.shape and np.isfinite(action).all()
    if not fits:
        raise ValueError(
            f"a policy must give one action of {space} for one observation, got {action!r}; {_OF_MODELS}"
        )


def _play(policy: Policy, environment: SeededEpisodes, number: int) -> Trajectory:
    observation, _ = environment.reset()
    observations, actions, rewards = [observation], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        action = policy(observation)
        _require_action(environment.action_space, action)
        observation, reward, terminated, truncated, _ = environment.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(float(reward))
    with naming(number):
        return Trajectory(np.array(observations), np.array(actions), np.array(rewards), terminated, truncated)
