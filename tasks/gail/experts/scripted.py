"""Policies written by hand: experts that need no training, a style to imitate, and demonstrators to fail with."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gymnasium
    import numpy as np

    from tasks.gail.demonstrations.recording import Policy


def balance(observation: np.ndarray) -> int:
    """CartPole's expert: push to where the pole falls, with a little care for the middle; return 500."""
    x, speed, angle, spin = observation
    return int(angle + 0.5 * spin + 0.02 * x + 0.05 * speed > 0)


def balance_right(observation: np.ndarray) -> int:
    """CartPole's expert with a style: it balances the pole as well, and holds the cart at x = +1.

    The return of CartPole cannot tell it from `balance`; the mean of |x - 1| can.
    """
    x, speed, angle, spin = observation
    return int(angle + 0.25 * spin + 0.1 * (x - 1) + 0.2 * speed > 0)


def pump(observation: np.ndarray) -> int:
    """MountainCar's expert: push along the velocity, to the right at rest; return about -119."""
    return 2 if observation[1] >= 0 else 0


def push_left(observation: np.ndarray) -> int:  # noqa: ARG001
    """A bad demonstrator for CartPole and MountainCar: action 0 whatever it sees."""
    return 0


def random_policy(environment: gymnasium.Env[Any, Any], seed: int) -> Policy:
    """Actions drawn uniformly from the environment's, the same ones for the same seed."""
    actions = deepcopy(environment.action_space)
    actions.seed(seed)
    return lambda observation: actions.sample()  # noqa: ARG005
