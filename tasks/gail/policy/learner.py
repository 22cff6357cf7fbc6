"""The policy's side of imitation: an algorithm of Stable-Baselines3, taken apart where the discriminator comes in.

All use of Stable-Baselines3's inner workings is in this file: its rollout buffer, `_setup_learn`, `_last_obs`,
`_last_episode_starts`, `_update_current_progress_remaining`, `_current_progress_remaining`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from sb3_contrib import TRPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor

from tasks.gail.environments.seeded_episodes import make_environments, restore_episodes, variable_horizon
from tasks.gail.policy.algorithm import FIRST_LAYERS, PolicySettings, make_algorithm, save_zip
from tasks.gail.policy.callbacks import require_fitting
from tasks.gail.policy.own_randomness import OwnRandomness
from tasks.gail.policy.recorder import Recorder
from tasks.gail.policy.reward_scale import RewardScale


class Rollout(NamedTuple):
    """The policy's pairs as the discriminator sees them, in the order of the rollout buffer.

    Attributes:
        observations: raw, shape (steps * environments, d).
        actions: shape (steps * environments,) or (steps * environments, ...), as they were executed.
        ends: rows that ended an episode early, shape (e,).
        lengths: of those episodes in steps, shape (e,).
        step: the iteration.
    """

    observations: Tensor
    actions: Tensor
    ends: Tensor
    lengths: Tensor
    step: int

    def to(self, device: torch.device) -> Rollout:
        """The same on a device."""
        observations, actions, ends, lengths = (part.to(device) for part in self[:4])
        return Rollout(observations, actions, ends, lengths, self.step)


class PolicyLearner:
    """A policy that is trained on rewards from elsewhere; the environment's own never reach it.

    Args:
        environment_id: a gymnasium id.
        settings: of TRPO, or another algorithm.
        iterations: of the whole run, for schedules.
        seed: of the networks, the actions, the order of mini-batches, and every episode.
        callback: one of Stable-Baselines3's, such as an `EvalCallback`; None for none.

    Attributes:
        steps: per rollout, of all environments.
    """

    def __init__(
        self,
        environment_id: str,
        settings: PolicySettings,
        *,
        iterations: int,
        seed: int,
        callback: BaseCallback | None = None,
    ) -> None:
        self.settings = settings
        self.randomness = OwnRandomness(seed)
        self.episodes = make_environments(environment_id, settings.environments, seed=seed)
        self.normaliser = (
            VecNormalize(self.episodes, norm_reward=False, clip_obs=np.inf) if settings.normalise else None
        )
        with self.randomness:
            self.model = make_algorithm(settings, self.normaliser or self.episodes)
        self.model.set_logger(Logger(None, []))
        self.steps = settings.environments * self.model.n_steps
        self._total = iterations * self.steps
        self.recorder = Recorder(self.normaliser)
        self.scale = RewardScale() if settings.scale_rewards else None
        self.bootstraps = settings.bootstraps(fixed_horizon=not variable_horizon(self.episodes.envs[0]))
        own = [callback] if callback is not None else []
        for one in own:
            require_fitting(one, self.normaliser or self.episodes)
        self._callback: BaseCallback = CallbackList([self.recorder, *own])
        self.begun = self._told = False

    @property
    def statistics(self) -> RunningMeanStd | None:
        """Mean and variance of observations as measured so far; None if the policy sees them raw."""
        return cast("RunningMeanStd", self.normaliser.obs_rms) if self.normaliser is not None else None

    def begin(self) -> None:
        """Reset the environments, unless the run has begun."""
        if not self.begun:
            _, self._callback = self.model._setup_learn(self._total, self._callback)
            self.recorder.now = self.recorder.raw(self.model._last_obs)
            self.recorder.ages = np.zeros(self.episodes.num_envs, dtype=np.int64)
            self.recorder.totals = np.zeros(self.episodes.num_envs)
            self.begun = True

    def collect(self, step: int) -> Rollout | None:
        """Let the policy act, and return what the discriminator may see of it; None if a callback says stop."""
        self.begin()
        self._tell()
        with self.randomness:
            goes_on = self.model.collect_rollouts(
                self.normaliser or self.episodes, self._callback, self.model.rollout_buffer, self.model.n_steps
            )
        if not goes_on:
            return None
        self.model._update_current_progress_remaining(self.model.num_timesteps, self._total)
        observations, actions = np.stack(self.recorder.observations), np.stack(self.recorder.actions)
        ended = self.recorder.ended
        return Rollout(
            torch.from_numpy(observations.reshape(-1, observations.shape[-1]).astype(np.float32)),
            torch.from_numpy(actions.reshape(-1, *actions.shape[2:])),
            torch.tensor([time * self.episodes.num_envs + number for (time, number), _ in ended], dtype=torch.long),
            torch.tensor([length for _, length in ended], dtype=torch.long),
            step,
        )

    def end(self) -> None:
        """Tell the callbacks that training is over, if they know that it began."""
        if self._told:
            self._callback.on_training_end()
            self._told = False

    def _tell(self) -> None:
        """Tell the callbacks once, with what `learn` tells, that training begins or, resumed, goes on."""
        if not self._told:
            known = {
                "self": self.model,
                "total_timesteps": self._total,
                "callback": self._callback,
                "iteration": 0,
                "log_interval": 1,
                "tb_log_name": type(self.model).__name__,
                "reset_num_timesteps": True,
                "progress_bar": False,
            }
            self._callback.on_training_start(known, globals())
            self._told = True

    def train(self, rewards: Tensor, *, entropy: float = 0.0) -> None:
        """The algorithm's training on the last rollout, paid by these rewards.

        Where a time limit cut an episode off and is no end, see `PolicySettings.bootstrap_limits`, gamma V(last
        observation) is added, as Stable-Baselines3 does.

        Args:
            rewards: shape (steps * environments,), in the rollout's order.
            entropy: lambda; adds -lambda log pi(a | s) to each reward, whose expected sum is the causal entropy.
        """
        buffer = self.model.rollout_buffer
        buffer.rewards[:] = rewards.cpu().numpy().reshape(buffer.rewards.shape) - entropy * buffer.log_probs
        if self.scale is not None:
            ends = np.vstack([buffer.episode_starts[1:], np.asarray(self.model._last_episode_starts)[None]])
            buffer.rewards[:] = self.scale.scaled(buffer.rewards, ends, self.model.gamma)
        policy = self.model.policy
        with torch.no_grad():
            for place, last in self.recorder.cut_off if self.bootstraps else ():
                value = policy.predict_values(policy.obs_to_tensor(last)[0])[0]
                buffer.rewards[place] += self.model.gamma * value.item()
            values = policy.predict_values(policy.obs_to_tensor(np.asarray(self.model._last_obs))[0])
        buffer.compute_returns_and_advantage(values, np.asarray(self.model._last_episode_starts))
        if self.settings.algorithm is None:  # the one schedule of TRPO's that nobody else follows
            cast("TRPO", self.model).target_kl = self.settings.trust_region(self.model._current_progress_remaining)
        with self.randomness:
            self.model.train()

    def act(self, observations: np.ndarray) -> np.ndarray:
        """The policy's most likely actions at raw observations of shape (n, d)."""
        seen = self.normaliser.normalize_obs(observations) if self.normaliser is not None else observations
        actions, _ = self.model.predict(seen, deterministic=True)
        return np.asarray(actions)

    def save(self, file: Path) -> None:
        """A zip that plain Stable-Baselines3 loads and that takes raw observations.

        The observations' mean and deviation are folded into the first layers, so nothing else is needed:
        `TRPO.load(file).predict(observation)`.
        """
        with torch.random.fork_rng(devices=[]):
            plain = make_algorithm(self.settings, self.episodes)
        weights = {name: value.clone() for name, value in self.model.policy.state_dict().items()}
        statistics = self.statistics
        if statistics is not None and self.normaliser is not None:
            deviation = torch.from_numpy(np.sqrt(statistics.var + self.normaliser.epsilon))
            mean = torch.from_numpy(statistics.mean)
            for layer in FIRST_LAYERS:
                first = weights[f"{layer}.weight"].double() / deviation
                weights[f"{layer}.bias"] = (weights[f"{layer}.bias"].double() - first @ mean).float()
                weights[f"{layer}.weight"] = first.float()
        plain.policy.load_state_dict(weights)
        save_zip(plain, file)

    def state_dict(self) -> dict[str, Any]:
        """All that the next rollout and training depend on: tensors and plain values."""
        self.begin()
        statistics = self.statistics
        return {
            "policy": self.model.policy.state_dict(),
            "optimizer": self.model.policy.optimizer.state_dict(),
            "timesteps": self.model.num_timesteps,
            "updates": self.model._n_updates,
            "episodes": self.episodes.env_method("state_dict"),
            "starts": torch.from_numpy(np.array(self.model._last_episode_starts)),
            "seen": torch.from_numpy(np.array(self.model._last_obs)),
            "statistics": None
            if statistics is None
            else {
                "mean": torch.from_numpy(statistics.mean.copy()),
                "var": torch.from_numpy(statistics.var.copy()),
                "count": float(statistics.count),
            },
            "randomness": self.randomness.state_dict(),
            "reward_scale": self.scale.value if self.scale is not None else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back, the environments where they were."""
        self.begin()
        self.model.policy.load_state_dict(state["policy"])
        self.model.policy.optimizer.load_state_dict(state["optimizer"])
        self.model.num_timesteps, self.model._n_updates = state["timesteps"], state["updates"]
        raw = restore_episodes(self.episodes, state["episodes"])
        self.recorder.now = raw
        self.recorder.ages = np.array([len(one) for one in self.episodes.get_attr("actions")])
        self.recorder.totals = np.full(self.episodes.num_envs, np.nan)
        statistics = self.statistics
        if statistics is not None and self.normaliser is not None:
            kept = state["statistics"]
            statistics.mean, statistics.var = kept["mean"].numpy().copy(), kept["var"].numpy().copy()
            statistics.count = kept["count"]
            self.normaliser.old_obs = raw
        self.model._last_obs = state["seen"].numpy().copy()
        self.model._last_episode_starts = state["starts"].numpy().copy()
        self.randomness.load_state_dict(state["randomness"])
        if self.scale is not None:
            self.scale.value = state["reward_scale"]
