"""Imitation: a policy learns from an expert through a discriminator that an inner optimizer updates."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minimax_l2l.extras import require_extra

if TYPE_CHECKING:
    from tasks.gail.controls import NoiseOfSameNorm, clone_behaviour
    from tasks.gail.demonstrations.demonstrations import Demonstrations
    from tasks.gail.demonstrations.minari_files import read_minari, write_minari
    from tasks.gail.demonstrations.recording import record
    from tasks.gail.discriminator import Discriminator
    from tasks.gail.environments.fixed_horizon import register
    from tasks.gail.environments.seeded_episodes import variable_horizon
    from tasks.gail.experts.trained import Expert, train_expert
    from tasks.gail.pairs import Pairs
    from tasks.gail.policy.algorithm import PolicySettings
    from tasks.gail.problem import ImitationProblem
    from tasks.gail.regularisers import Controller, EntropyBonus, GradientPenalty, Regulariser
    from tasks.gail.task import GAIL

__all__ = [
    "GAIL",
    "Controller",
    "Demonstrations",
    "Discriminator",
    "EntropyBonus",
    "Expert",
    "GradientPenalty",
    "ImitationProblem",
    "NoiseOfSameNorm",
    "Pairs",
    "PolicySettings",
    "Regulariser",
    "clone_behaviour",
    "read_minari",
    "record",
    "register",
    "train_expert",
    "variable_horizon",
    "write_minari",
]

_HOMES = {
    "GAIL": "task",
    "Controller": "regularisers",
    "Demonstrations": "demonstrations.demonstrations",
    "Discriminator": "discriminator",
    "EntropyBonus": "regularisers",
    "Expert": "experts.trained",
    "GradientPenalty": "regularisers",
    "ImitationProblem": "problem",
    "NoiseOfSameNorm": "controls",
    "Pairs": "pairs",
    "PolicySettings": "policy.algorithm",
    "Regulariser": "regularisers",
    "clone_behaviour": "controls",
    "read_minari": "demonstrations.minari_files",
    "record": "demonstrations.recording",
    "register": "environments.fixed_horizon",
    "train_expert": "experts.trained",
    "variable_horizon": "environments.seeded_episodes",
    "write_minari": "demonstrations.minari_files",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: listing presets needs no environment."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_libraries()
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def require_libraries() -> None:
    """Refuse to go on without the environments and the policies that imitation needs.

    Raises:
        MissingExtraError: if one is not installed.
    """
    for library in ("gymnasium", "stable_baselines3", "sb3_contrib"):
        require_extra(library, extra="gail", purpose="imitation")
