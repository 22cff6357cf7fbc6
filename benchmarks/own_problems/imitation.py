"""Imitation with discrete actions."""

from __future__ import annotations

from benchmarks.own_problems.base import OwnProblem
from minimax_l2l import InnerOptimizer
from tasks.gail import GAIL
from tasks.gail.presets.settings import SETTINGS

ITERATIONS = 150
MOUNTAIN_CAR = SETTINGS["mountain-car"]


class MountainCar(GAIL, OwnProblem):
    """min over pi of max over w: GAIL as it is made without a further argument, ten demonstrations of Mountain Car.

    Of the three rewards of a pair, the one for tasks that end with success is named, as `GAIL` asks for.
    """

    lives_on = True

    def __init__(self, seed: int) -> None:
        OwnProblem.__init__(self, seed)
        shown = MOUNTAIN_CAR.demonstrations().limit(10)
        GAIL.__init__(
            self, MOUNTAIN_CAR.environment_id, shown, reward=MOUNTAIN_CAR.reward, iterations=ITERATIONS, seed=seed
        )

    def judged(self, optimizer: InnerOptimizer) -> float:
        """How far the last policy stays behind: 0 is the expert's mean return and 1 that of random actions."""
        expert, random = MOUNTAIN_CAR.expert_return, MOUNTAIN_CAR.random_return
        return (expert - self.validate(optimizer)["return_mean"]) / (expert - random)
