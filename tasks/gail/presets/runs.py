"""Runs of imitation: from a setting and a method to a game."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from stable_baselines3.common.utils import LinearSchedule

from minimax_l2l import InnerOptimizer
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.policy.algorithm import PolicySettings
from tasks.gail.presets.methods import DEFAULT_KNOBS, Knobs, Method
from tasks.gail.presets.settings import Setting
from tasks.gail.task import GAIL


@dataclass(frozen=True)
class Conditions:
    """What a run is given, beyond its setting and method.

    Attributes:
        trajectories: of the expert that the discriminator learns from.
        every: keep each so-many-th step of them.
        held_out: trajectories of the expert to measure the discriminator with.
        hidden: widths of the discriminator.
        knobs: of the discriminator's optimizer.
        iterations: of the run.
        policy: TRPO's settings; None takes those of the setting.
        evaluation_episodes: of each evaluation of the deterministic policy.
    """

    trajectories: int = 10
    every: int = 1
    held_out: int = 5
    hidden: tuple[int, ...] = (64, 32)
    knobs: Knobs = DEFAULT_KNOBS
    iterations: int = 300
    policy: PolicySettings | None = None
    evaluation_episodes: int = 20


PAPER = Conditions()


def pose(
    setting: Setting,
    method: Method,
    conditions: Conditions,
    *,
    seed: int,
    expert: Demonstrations | None = None,
) -> tuple[GAIL, InnerOptimizer]:
    """A game made ready: the task, and the optimizer to hand to its `solve`.

    Args:
        setting: what is imitated.
        method: how.
        conditions: of the run.
        seed: of everything random.
        expert: whole demonstrations; those of `setting` if None.
    """
    task = pose_task(setting, method, conditions, seed=seed, expert=expert)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return task, method.make(task.discriminator, conditions.knobs)


def reward_name(setting: Setting, method: Method) -> str:
    """What the policy is paid, a name in `tasks.gail.rewards.REWARDS`."""
    if method.literal:
        return "survival"
    return setting.constant if method.constant else setting.reward


def policy_settings(setting: Setting, method: Method) -> PolicySettings:
    """TRPO's, as the setting wants them."""
    settings = PolicySettings(steps=setting.steps)
    if setting.annealed and not method.literal:
        return replace(settings, target_kl=LinearSchedule(settings.trust_region(1.0), 0.0, 1.0))
    return settings


def pose_task(
    setting: Setting,
    method: Method,
    conditions: Conditions,
    *,
    seed: int,
    expert: Demonstrations | None = None,
) -> GAIL:
    """The task alone: what a run left can be loaded into it without an optimizer, which may be large."""
    learned_from, held_out = (expert or setting.expert()).split(conditions.held_out)
    if method.bad:
        learned_from = setting.bad_demonstrations(conditions.trajectories)
    learned_from = learned_from.limit(conditions.trajectories)
    if conditions.every > 1:
        learned_from = learned_from.subsample(conditions.every, seed)
    judged_by = None
    if method.halved:
        learned_from, judged_by = learned_from.halves()
    return GAIL(
        setting.environment_id,
        learned_from,
        reward=reward_name(setting, method),
        iterations=conditions.iterations,
        policy=conditions.policy or policy_settings(setting, method),
        hidden=conditions.hidden,
        regularisers=method.regularisers,
        radius=method.radius,
        held_out=held_out,
        judged_by=judged_by,
        evaluation_episodes=conditions.evaluation_episodes,
        seed=seed,
    )
