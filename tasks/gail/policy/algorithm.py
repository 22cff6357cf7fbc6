"""How the policy learns: TRPO by sb3-contrib with settings, or any on-policy algorithm of Stable-Baselines3."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sb3_contrib import TRPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv

from minimax_l2l.errors import require_count, require_flag, require_fraction, require_positive, require_widths
from minimax_l2l.files import atomic

Schedule = Callable[[float], float]
Algorithm = Callable[[VecEnv], OnPolicyAlgorithm]

# What observations' mean and deviation are folded into when a policy is saved.
FIRST_LAYERS = ("mlp_extractor.policy_net.0", "mlp_extractor.value_net.0")


@dataclass(frozen=True)
class PolicySettings:
    """TRPO's settings, by default Ho and Ermon's with a rollout of 1,024 steps and the paper's network.

    Attributes:
        environments: how many are stepped together.
        steps: per rollout, of each environment.
        hidden: widths of the policy's hidden layers, and of the value network's; tanh between them.
        gamma: discount.
        gae_lambda: of generalised advantage estimation.
        target_kl: largest mean KL divergence of a policy step, in nats, or its schedule from the progress that
            remains, 1 to 0; with 0 the policy stays where it is.
        damping: added to the Fisher matrix.
        critic_learning_rate: of the value network's Adam, or its schedule from the progress that remains, 1 to 0.
        critic_epochs: passes over the rollout per iteration.
        critic_batch: samples per step of the value network; the last step of a pass takes the rest of the rollout.
        normalise: bring observations to zero mean and unit deviation, as measured so far, for the policy.
        scale_rewards: divide rewards by the deviation of their discounted sums, see `RewardScale`, so that a value
            network at a fixed rate can follow a discriminator that becomes surer.
        bootstrap_limits: whether the last state of an episode that a time limit cut off keeps its value, so that
            the limit is no end. None: unless all episodes of the environment have one length. The expert's end
            there too then, and a value of what nobody sees is only guessed.
        algorithm: makes another learner from the environments, such as
            `lambda environments: PPO("MlpPolicy", environments, n_steps=128)`. Of the settings above only
            `environments`, `normalise`, `scale_rewards` and `bootstrap_limits` count then. None is TRPO.
    """

    environments: int = 8
    steps: int = 128
    hidden: tuple[int, ...] = (64, 32)
    gamma: float = 0.995
    gae_lambda: float = 0.97
    target_kl: float | Schedule = 0.01
    damping: float = 0.1
    critic_learning_rate: float | Schedule = 1e-3
    critic_epochs: int = 5
    critic_batch: int = 256
    normalise: bool = True
    scale_rewards: bool = True
    bootstrap_limits: bool | None = None
    algorithm: Algorithm | None = None

    def __post_init__(self) -> None:
        """Check the numbers; torch and Stable-Baselines3 would say less of them, and later."""
        require_flag("normalise", self.normalise)
        require_flag("scale_rewards", self.scale_rewards)
        if self.bootstrap_limits is not None:
            require_flag("bootstrap_limits", self.bootstrap_limits)
        checked: dict[str, Any] = {"hidden": require_widths("hidden", self.hidden)}
        for name in ("environments", "steps", "critic_epochs", "critic_batch"):
            checked[name] = require_count(name, getattr(self, name), least=1)
        for name in ("gamma", "gae_lambda"):
            checked[name] = require_fraction(name, getattr(self, name))
        for name in ("damping", "target_kl", "critic_learning_rate"):
            if name == "damping" or not callable(getattr(self, name)):
                checked[name] = require_positive(name, getattr(self, name))
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.algorithm is None and self.environments * self.steps < 2:
            raise ValueError(
                "a rollout needs at least two steps, since advantages are brought to unit deviation, got one "
                "environment with one step; take more of either."
            )
        if isinstance(self.algorithm, type) or not (self.algorithm is None or callable(self.algorithm)):
            raise TypeError(
                f"algorithm must be a function that makes a learner from environments, got {self.algorithm!r}; "
                'pass lambda environments: PPO("MlpPolicy", environments), with your own settings.'
            )

    def plain(self) -> dict[str, Any]:
        """Its numbers, for a checkpoint; schedules and algorithms are functions, which cannot be compared."""
        numbers = {name: value for name, value in vars(self).items() if not callable(value)}
        plain = {name: float(value) if isinstance(value, float) else value for name, value in numbers.items()}
        return plain | {"hidden": list(self.hidden)}

    def bootstraps(self, *, fixed_horizon: bool) -> bool:
        """`bootstrap_limits` of an environment whose episodes have one length, or not."""
        return not fixed_horizon if self.bootstrap_limits is None else self.bootstrap_limits

    def trust_region(self, remaining: float) -> float:
        """`target_kl` while this much of the run remains, 1 to 0."""
        return self.target_kl(remaining) if callable(self.target_kl) else self.target_kl


def make_algorithm(settings: PolicySettings, environments: VecEnv) -> OnPolicyAlgorithm:
    """The learner of some environments.

    Raises:
        TypeError: if `settings.algorithm` makes something without rollouts to be paid anew, or a value network.
        ValueError: if it was made with other environments, or if observations are normalised, and its policy has
            no first layers to fold that into.
    """
    made = make_trpo(settings, environments) if settings.algorithm is None else settings.algorithm(environments)
    if not isinstance(made, OnPolicyAlgorithm):
        raise TypeError(
            f"a policy that imitates needs an on-policy algorithm of Stable-Baselines3, whose rollouts can be paid "
            f"anew, got {type(made).__name__}; make a PPO, an A2C or a TRPO."
        )
    kind = type(made.policy).__name__
    if getattr(made.policy, "value_net", None) is None:
        raise TypeError(
            "a policy that imitates needs a value network, since its advantages are estimated with one, got "
            f'{kind}; make the algorithm with "MlpPolicy".'
        )
    if not isinstance(made.policy, ActorCriticPolicy) or isinstance(made.policy, RecurrentActorCriticPolicy):
        raise TypeError(
            f"policies with a memory or with masked actions cannot imitate here, got {kind}; make a PPO, an A2C or "
            'a TRPO with "MlpPolicy".'
        )
    if made.get_env() is not environments:
        raise ValueError(
            "the algorithm was made with environments of its own, a policy that imitates acts in those that it is "
            'given; pass them on as they are: lambda environments: PPO("MlpPolicy", environments).'
        )
    if settings.normalise and not {f"{layer}.weight" for layer in FIRST_LAYERS} <= made.policy.state_dict().keys():
        raise ValueError(
            "normalised observations are folded into the first hidden layers of a saved policy, "
            f'{type(made.policy).__name__} has none; make the algorithm with "MlpPolicy" and hidden layers, or '
            "pass normalise=False."
        )
    return made


def make_trpo(
    settings: PolicySettings, environments: VecEnv, *, seed: int | None = None, device: str | torch.device = "cpu"
) -> TRPO:
    """TRPO by settings; Stable-Baselines3 advises the processor for networks as small as these."""
    with warnings.catch_warnings():  # of a short last batch, as its documentation allows it
        warnings.filterwarnings("ignore", message="You have specified a mini-batch size", category=UserWarning)
        return TRPO(
            "MlpPolicy",
            environments,
            learning_rate=settings.critic_learning_rate,
            n_steps=settings.steps,
            batch_size=settings.critic_batch,
            gamma=settings.gamma,
            gae_lambda=settings.gae_lambda,
            cg_damping=settings.damping,
            n_critic_updates=settings.critic_epochs,
            target_kl=settings.trust_region(1.0),
            policy_kwargs={"net_arch": list(settings.hidden)},
            seed=seed,
            device=device,
        )


def save_zip(model: BaseAlgorithm, file: Path) -> None:
    """What `model.save` writes, whole or not at all."""
    zipped = io.BytesIO()
    model.save(zipped)
    with atomic(file) as target:
        target.write(zipped.getvalue())
