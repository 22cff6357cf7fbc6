"""What a rollout buffer forgets: raw observations, executed actions, where a time limit cut an episode off."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize


class Recorder(BaseCallback):
    """Notes each step of a rollout.

    Args:
        normaliser: what brought observations to unit size, if anything.

    Attributes:
        now: the environments' raw observations, shape (environments, d).
        observations: raw, one array a step.
        actions: as they were executed, one array a step.
        cut_off: places (step, environment) where a time limit ended an episode, and the last observation as the
            policy would see it.
        ended: places where an episode ended by itself, and its length in steps.
        ages: steps since each environment's last reset.
        totals: the environment's own rewards since then, added up; NaN where they are not known.
        returns: such sums of the episodes that ended.
    """

    def __init__(self, normaliser: VecNormalize | None) -> None:
        super().__init__()
        self.normaliser = normaliser
        self.now: np.ndarray = np.empty(0)
        self.ages: np.ndarray = np.zeros(0, dtype=np.int64)
        self.totals: np.ndarray = np.zeros(0)
        self._on_rollout_start()

    def raw(self, seen: Any) -> np.ndarray:
        """The last observations as the environments gave them."""
        return np.asarray(seen if self.normaliser is None else self.normaliser.old_obs)

    def _on_rollout_start(self) -> None:
        self.observations: list[np.ndarray] = []
        self.actions: list[np.ndarray] = []
        self.cut_off: list[tuple[tuple[int, int], np.ndarray]] = []
        self.ended: list[tuple[tuple[int, int], int]] = []
        self.returns: list[float] = []

    def _on_step(self) -> bool:
        step = self.locals
        self.ages, self.totals = self.ages + 1, self.totals + step["rewards"]
        for number in np.flatnonzero(step["dones"]):
            place, info = (len(self.observations), int(number)), step["infos"][number]
            if info.get("TimeLimit.truncated", False):
                self.cut_off.append((place, info["terminal_observation"]))
            else:
                self.ended.append((place, int(self.ages[number])))
            self.returns.append(float(self.totals[number]))
            self.ages[number] = self.totals[number] = 0
        self.observations.append(self.now)
        self.actions.append(step["clipped_actions"])
        self.now = self.raw(step["new_obs"])
        return True
