"""What is imitated: environments, the reward each needs, and the experts whose demonstrations ship with us."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.gail.demonstrations.demonstrations import Demonstrations

# Presets are listed where no environment is installed: what needs one is imported where it is used.
DATASETS = Path(__file__).parents[1] / "datasets"


@dataclass(frozen=True)
class Setting:
    """An expert in an environment.

    Attributes:
        title: as people read it.
        environment_id: the gymnasium id.
        reward: what the policy is paid, a name in `tasks.gail.rewards.REWARDS`.
        constant: the control that pays the same everywhere, with the sign of `reward`.
        dataset: Minari's id of the expert's demonstrations.
        expert_return: mean return of the expert on 100 evaluation episodes; `benchmark gail-experts` measures it.
        random_return: mean return of random actions on the same.
        rollout: steps of each of eight environments per iteration. Mountain Car's 1,024 pairs would be five to nine
            episodes.
        annealed: let TRPO's trust region shrink linearly to nothing over a run. Mountain Car's policies otherwise
            keep moving by some ten steps per episode, which is a tenth of what there is to learn.
    """

    title: str
    environment_id: str
    reward: str
    constant: str
    dataset: str
    expert_return: float
    random_return: float
    rollout: int = 128
    annealed: bool = False

    def demonstrations(self) -> Demonstrations:
        """Twenty whole episodes of the expert."""
        from tasks.gail.demonstrations.minari_files import read_minari

        return read_minari(self.dataset, root=DATASETS)

    def bad_demonstrations(self, episodes: int) -> Demonstrations:
        """Episodes of a policy that does something else, to learn wrongly from: always the first action."""
        from tasks.gail.demonstrations.recording import record
        from tasks.gail.experts.scripted import push_left

        return record(push_left, self.environment_id, episodes, seed=0)


SETTINGS: dict[str, Setting] = {
    "cartpole": Setting(
        "CartPole", "CartPole-v1", "survival", "plus-one", "minimax_l2l/cartpole/trpo-v0", 500.0, 22.03
    ),
    "mountain-car": Setting(
        "Mountain Car",
        "MountainCar-v0",
        "goal",
        "minus-one",
        "minimax_l2l/mountain-car/trpo-v0",
        -107.6,
        -200.0,
        rollout=256,
        annealed=True,
    ),
    "acrobot": Setting(
        "Acrobot", "Acrobot-v1", "goal", "minus-one", "minimax_l2l/acrobot/trpo-v0", -84.33, -499.51
    ),
    "cartpole-style": Setting(
        "CartPole, style target",
        "minimax_l2l/FixedHorizonCartPoleAtOne-v0",
        "neutral",
        "plus-one",
        "minimax_l2l/cartpole-style/scripted-v0",
        375.81,
        0.0,
    ),
}
