"""Policies written by hand: experts that need no training, a style to imitate, and demonstrators to fail with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def balance(observation: np.ndarray) -> int:
    """CartPole's expert: push to where the pole falls, with a little care for the middle; return 500."""
    x, speed, angle, spin = _of_a_cart(observation)
    return int(angle + 0.5 * spin + 0.02 * x + 0.05 * speed > 0)


def balance_right(observation: np.ndarray) -> int:
    """CartPole's expert with a style: it balances the pole as well, and holds the cart at x = +1.

    The return of CartPole cannot tell it from `balance`; the mean of |x - 1| can.
    """
    x, speed, angle, spin = _of_a_cart(observation)
    return int(angle + 0.25 * spin + 0.1 * (x - 1) + 0.2 * speed > 0)


def push_left(observation: np.ndarray) -> int:  # noqa: ARG001
    """A bad demonstrator for CartPole and MountainCar: action 0 whatever it sees."""
    return 0


def _of_a_cart(observation: np.ndarray) -> np.ndarray:
    if observation.shape != (4,):
        raise ValueError(
            f"observation must be CartPole's four numbers, got shape {observation.shape}; "
            "pass a policy of this environment in place of CartPole's."
        )
    return observation
