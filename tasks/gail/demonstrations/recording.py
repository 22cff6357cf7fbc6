"""Recording demonstrations: a policy plays whole episodes, each with a seed of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from minimax_l2l.errors import require_count, require_seed, told
from tasks.gail.demonstrations.demonstrations import Demonstrations, inside
from tasks.gail.demonstrations.trajectory import Trajectory, naming
from tasks.gail.environments.answers import own_array
from tasks.gail.environments.seeded_episodes import SeededEpisodes, make_environment

Policy = Callable[[np.ndarray], Any]
"""From one raw observation, shape (d,), to one action."""
_OF_MODELS = "of a model of Stable-Baselines3, pass lambda observation: model.predict(observation)[0]."


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
        ValueError: if the environment is not known or not supported, breaks gymnasium's interface, gives NaN or
            does not end, if `episodes` is below 1, or if the policy gives something else than an action.
    """
    require_count("episodes", episodes, least=1)
    require_seed("seed", seed)
    if not callable(policy) or isinstance(policy, nn.Module | type):
        raise TypeError(
            f"a policy must be a function from an observation to an action, got {told(policy)}; of a "
            f"torch network, pass lambda observation: network(torch.as_tensor(observation)).argmax(); {_OF_MODELS}"
        )
    environment = make_environment(environment_id, seed=seed, purpose="demonstrations")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trajectories = tuple(_play(policy, environment, number) for number in range(episodes))
    environment.close()
    return Demonstrations(environment.id, trajectories)


def _play(policy: Policy, environment: SeededEpisodes, number: int) -> Trajectory:
    observation, _ = environment.reset()
    observations, actions, rewards = [observation], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        action = _action(policy(observation.copy()), environment.action_space)
        observation, reward, terminated, truncated, _ = environment.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(float(reward))
    with naming(number):
        return Trajectory(np.array(observations), np.array(actions), np.array(rewards), terminated, truncated)


def _action(given: Any, space: gymnasium.Space[Any]) -> int | np.ndarray:
    """What a policy gave as an action of the space: an integer, or an array that the policy does not own."""
    try:
        action = own_array(given)
    except ValueError:
        action = np.array(None)
    if isinstance(space, spaces.Discrete):
        needed = "a whole number, of a torch network's outputs their argmax()"
        if action.shape == () and action.dtype.kind in "biu" and inside(space, int(action)):
            return int(action)
    else:
        needed = "an array, clipped to its bounds if need be"
        if action.shape == space.shape and action.dtype.kind in "fiu" and not isinstance(given, tuple):
            action = action if action.dtype.kind == "f" else action.astype(space.dtype)
            if inside(space, action):
                return action
    raise ValueError(
        f"a policy must give one action of {space} for one observation, got {given!r}; return {needed}; "
        f"{_OF_MODELS}"
    )
