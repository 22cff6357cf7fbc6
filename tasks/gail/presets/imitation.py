"""A preset of imitation: an expert, a method, and what a run of it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minimax_l2l.errors import require_count, require_positive, require_widths
from minimax_l2l.lab import Announce, Built, Hidden, Preset
from tasks.gail.extras import require_libraries
from tasks.gail.presets.methods import METHODS, Method, Turned
from tasks.gail.presets.settings import SETTINGS, Setting

if TYPE_CHECKING:
    from minimax_l2l import InnerOptimizer
    from tasks.gail.demonstrations.demonstrations import Demonstrations
    from tasks.gail.policy.algorithm import PolicySettings
    from tasks.gail.regularisers import Regulariser
    from tasks.gail.task import GAIL

# A run is judged by windows of ten evaluations, at most five iterations apart.
FEWEST, EVALUATE_EVERY = 10, 5


@dataclass(frozen=True, kw_only=True)
class Imitation(Preset):
    """One expert imitated in one way.

    Attributes:
        setting: what is imitated, a name in `SETTINGS`.
        method: how, a name in `METHODS`.
        data: folder of a Minari dataset with your own demonstrations; the expert's that ship with us if not given.
        iterations: rollouts of the policy, each with a step of discriminator and policy; at least 10.
        trajectories: demonstrations that the discriminator learns from; 10 of the expert's that ship with us, all
            of your own but those held out.
        every: keep each so-many-th step of them.
        held_out: demonstrations that nothing is trained on, to measure with; 5 of ours, a quarter of your own.
        hidden: units of the discriminator's hidden layers.
        environments: stepped together.
        rollout: steps of each environment per iteration.
        policy_hidden: units of the policy's hidden layers.
        evaluation_episodes: episodes of each evaluation of the policy during the run.
        final_episodes: episodes that the last policy is measured on.
    """

    setting: Hidden[str]
    method: Hidden[str]
    data: Path | None = None
    iterations: int = 300
    trajectories: int | None = None
    every: int = 1
    held_out: int | None = None
    hidden: tuple[int, ...] = (64, 32)
    environments: int = 8
    rollout: int = 128
    policy_hidden: tuple[int, ...] = (64, 32)
    evaluation_episodes: int = 20
    final_episodes: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("iterations", self.iterations, least=FEWEST)
        for name in ("every", "environments", "rollout", "evaluation_episodes", "final_episodes"):
            require_count(name, getattr(self, name), least=1)
        for name in ("trajectories", "held_out"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name), least=1)
        for name in ("hidden", "policy_hidden"):
            require_widths(name, getattr(self, name))

    @property
    def summary(self) -> str:
        """The expert and the way."""
        return f"{self.expert.title}: {self.way.title}"

    @property
    def expert(self) -> Setting:
        """What is imitated."""
        return SETTINGS[self.setting]

    @property
    def way(self) -> Method:
        """How."""
        return METHODS[self.method]

    @property
    def evaluated_every(self) -> int:
        """Iterations between two evaluations."""
        return min(self.iterations // FEWEST, EVALUATE_EVERY)

    def build(self) -> Built:
        """The game: task and optimizer."""
        require_libraries()
        shown = self.demonstrations()
        task = self.task(shown)
        return Built(
            task,
            self.optimizer(task),
            {"environment_id": self.expert.environment_id, "data": self.data_name, "data_sha256": shown.sha256},
            validate_every=self.evaluated_every,
            on_failure="stop",
        )

    def evaluate(
        self,
        folder: Path,
        *,
        device: str,  # noqa: ARG002
        batch_size: int,  # noqa: ARG002
        announce: Announce,
    ) -> dict[str, Any]:
        """The last policy on episodes of its own, the curve, the discriminator; policies act on the processor."""
        require_libraries()
        from tasks.gail.presets.runs import evaluate_run

        return evaluate_run(self, folder, announce)

    def demonstrations(self) -> Demonstrations:
        """All that are given, one's own or the expert's."""
        from tasks.gail.demonstrations.minari_files import read_own

        return read_own(self.data) if self.data is not None else self.expert.demonstrations()

    @property
    def data_name(self) -> str:
        """What the demonstrations are called."""
        return self.data.resolve().name if self.data is not None else self.expert.dataset

    def split(self, shown: Demonstrations) -> tuple[Demonstrations, Demonstrations]:
        """What the discriminator learns from, and what is held out.

        Raises:
            ValueError: if there are too few.
        """
        own = self.data is not None
        if own and len(shown) < 2:
            raise ValueError(
                f"a preset learns from some trajectories and holds others out, {self.data} has {len(shown)}; "
                "record another one, or use tasks.gail.GAIL, which needs no others."
            )
        learned_from, held_out = shown.split(self.held_out or (max(len(shown) // 4, 1) if own else 5))
        wanted = self.trajectories or (len(learned_from) if own else 10)
        if self.way.bad:
            learned_from = self.expert.bad_demonstrations(wanted)
        learned_from = learned_from.limit(wanted)
        return (learned_from.subsample(self.every, self.seed) if self.every > 1 else learned_from), held_out

    def task(self, shown: Demonstrations) -> GAIL:
        """The task alone: what a run left can be loaded into it without an optimizer, which may be large."""
        from tasks.gail.task import GAIL

        learned_from, held_out = self.split(shown)
        judged_by = None
        if self.way.judged_by_halves:
            learned_from, judged_by = learned_from.halves()
        return GAIL(
            self.expert.environment_id,
            learned_from,
            reward=self.reward,
            iterations=self.iterations,
            policy=self.policy,
            hidden=self.hidden,
            regularisers=self.regularisers,
            radius=self.way.radius,
            outside=0.0,
            held_out=held_out,
            judged_by=judged_by,
            evaluation_episodes=self.evaluation_episodes,
            seed=self.seed,
        )

    def optimizer(self, task: GAIL) -> InnerOptimizer:
        """The inner optimizer of a task's discriminator."""
        import torch

        from tasks.gail.presets.optimizers import MAKERS

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return MAKERS[self.method](task.discriminator, self.turned)

    @property
    def turned(self) -> Turned:
        """What is turned on the discriminator's optimizer, which takes no step here."""
        return Turned(steps=0)

    @property
    def reward(self) -> str:
        """What the policy is paid, a name in `tasks.gail.rewards.REWARDS`."""
        if self.way.literal:
            return "survival"
        return self.expert.constant if self.way.constant else self.expert.reward

    @property
    def policy(self) -> PolicySettings:
        """TRPO's settings, as the expert's environment wants them."""
        from stable_baselines3.common.utils import LinearSchedule

        from tasks.gail.policy.algorithm import PolicySettings

        settings = PolicySettings(
            environments=self.environments,
            steps=self.rollout,
            hidden=self.policy_hidden,
            scale_rewards=False,
            bootstrap_limits=True,
        )
        settings = replace(settings, critic_batch=min(settings.critic_batch, self.environments * self.rollout))
        if self.expert.annealed and not self.way.literal:
            return replace(settings, target_kl=LinearSchedule(settings.trust_region(1.0), 0.0, 1.0))
        return settings

    @property
    def regularisers(self) -> Sequence[Regulariser]:
        """What is subtracted from the discriminator's objective."""
        from tasks.gail.regularisers import TERMS

        return (TERMS[self.way.term](),) if self.way.term is not None else ()


@dataclass(frozen=True, kw_only=True)
class TrainedImitation(Imitation):
    """The same with a discriminator that is trained.

    Attributes:
        inner_steps: steps of the discriminator per iteration.
        rate: learning rate of the discriminator's Adam, or of a learned optimizer's; the method's own if not given.
    """

    inner_steps: int = 1
    rate: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("inner_steps", self.inner_steps, least=1)
        if self.rate is not None:
            require_positive("rate", self.rate)

    @property
    def turned(self) -> Turned:
        """Rate and steps."""
        return Turned(self.rate, self.inner_steps)


PRESETS: dict[str, Imitation] = {
    f"gail/{setting}-{method.name}": (TrainedImitation if method.trains else Imitation)(
        setting=setting, method=method.name, rollout=SETTINGS[setting].rollout
    )
    for setting in SETTINGS
    for method in METHODS.values()
}
