"""CartPole and MountainCar whose episodes all have one length, so that no reward can be read off their end.

Where episodes end by success or failure, a discriminator's reward of constant sign already says what to do:
a positive one prolongs episodes, a negative one shortens them. Here episodes never end early, as in the
environments of `seals`, whose idea this is (A. Gleave et al., 2020, github.com/HumanCompatibleAI/seals).
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv, MountainCarEnv

CARTPOLE = "minimax_l2l/FixedHorizonCartPole-v0"
CARTPOLE_AT_ONE = "minimax_l2l/FixedHorizonCartPoleAtOne-v0"
MOUNTAIN_CAR = "minimax_l2l/FixedHorizonMountainCar-v0"

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


class FixedHorizonCartPole(CartPoleEnv):
    """CartPole that goes on after the pole has fallen or the cart has left: 500 steps, reward 0 in bad states.

    A state is bad where CartPole-v1 would end: |x| > 2.4 or |angle| > 12 degrees. The physics are unchanged,
    so a pole may swing round and be good again; its angle is kept in [-pi, pi].
    """

    metadata = CartPoleEnv.metadata | {"fixed_horizon": True}

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode=render_mode)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape=(4,), dtype=np.float32)

    def step(self, action: Any) -> Step:
        """One step of CartPole's physics; never terminates."""
        self.steps_beyond_terminated = None  # CartPole would warn of steps after the fall
        _, _, bad, _, info = super().step(action)  # type: ignore[no-untyped-call]  # gymnasium gives it no types
        state = np.array(self.state)
        state[2] = math.remainder(state[2], 2 * math.pi)  # exact: a standing pole's angle is not rounded
        self.state = state
        return state.astype(np.float32), 0.0 if bad else 1.0, False, False, info


class CartPoleAtOne(FixedHorizonCartPole):
    """The same, but what counts is a style: 1 for each good state with |x - 1| <= 0.25, 0 for all others.

    Its reward measures whether an imitator does what an expert that holds the cart at x = 1 does; balancing
    elsewhere earns nothing.
    """

    def step(self, action: Any) -> Step:
        """One step of the same physics."""
        state, good, terminated, truncated, info = super().step(action)
        return state, good if abs(state[0] - 1) <= 0.25 else 0.0, terminated, truncated, info


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
