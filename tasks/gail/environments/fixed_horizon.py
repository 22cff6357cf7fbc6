"""CartPole and MountainCar whose episodes all have one length, so that no reward can be read off their end.

Where episodes end by success or failure, a discriminator's reward of constant sign already says what to do:
a positive one prolongs episodes, a negative one shortens them. Here episodes never end early, as in the
environments of `seals`, whose idea this is (A. Gleave et al., 2020, github.com/HumanCompatibleAI/seals).
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv, MountainCarEnv

CARTPOLE = "minimax_l2l/FixedHorizonCartPole-v0"
CARTPOLE_AT_ONE = "minimax_l2l/FixedHorizonCartPoleAtOne-v0"
MOUNTAIN_CAR = "minimax_l2l/FixedHorizonMountainCar-v0"

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class FixedHorizonCartPole(CartPoleEnv):
    """CartPole that goes on after a failure: the pole is put up again in the middle, as at a start, for 500 steps.

    Steps pay 1 until the first failure and 0 from then on, so returns are those of CartPole-v1, but for the
    failing step. Observations never tell how often the pole has fallen.
    """

    metadata = CartPoleEnv.metadata | {"fixed_horizon": True}

    failures = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start upright, near the middle."""
        self.failures = 0
        observation, info = super().reset(seed=seed, options=options)
        return observation, info

    def step(self, action: Any) -> Step:
        """One step of CartPole, and a new start where it fails; never terminates."""
        observation, _, failed, _, info = super().step(action)  # type: ignore[no-untyped-call]
        if failed:
            self.failures += 1
            observation, _ = super().reset()
        return observation, 0.0 if self.failures else 1.0, False, False, info


class CartPoleAtOne(FixedHorizonCartPole):
    """The same, but what counts is a style: 1 for each step that ends with |x - 1| <= 0.25, 0 for all others.

    Its reward measures whether an imitator does what an expert that holds the cart at x = 1 does; balancing
    elsewhere earns nothing.
    """

    def step(self, action: Any) -> Step:
        """One step of the same."""
        observation, _, terminated, truncated, info = super().step(action)
        return observation, float(abs(observation[0] - 1) <= 0.25), terminated, truncated, info


class FixedHorizonMountainCar(MountainCarEnv):
    """MountainCar that is absorbed by the goal: it stands where it arrived for the rest of 200 steps, reward 0.

    Until then every step costs 1, the arriving one too, so returns are those of MountainCar-v0.
    """

    metadata = MountainCarEnv.metadata | {"fixed_horizon": True}

    arrived = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start in the valley."""
        self.arrived = False
        observation, info = super().reset(seed=seed, options=options)
        return observation, info

    def step(self, action: Any) -> Step:
        """One step of MountainCar, or none once it has arrived; never terminates."""
        if self.arrived:
            return np.array(self.state, dtype=np.float32), 0.0, False, False, {}
        observation, reward, self.arrived, _, info = super().step(action)
        return observation, float(reward), False, False, info


def register() -> None:
    """Make them known to `gymnasium.make`; doing it twice changes nothing."""
    for name, kind, horizon in (
        (CARTPOLE, FixedHorizonCartPole, 500),
        (CARTPOLE_AT_ONE, CartPoleAtOne, 500),
        (MOUNTAIN_CAR, FixedHorizonMountainCar, 200),
    ):
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=f"{__name__}:{kind.__name__}", max_episode_steps=horizon)
