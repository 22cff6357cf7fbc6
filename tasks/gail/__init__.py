"""Imitation: a policy learns from an expert through a discriminator that an inner optimizer updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minimax_l2l.lazy import lazily
from tasks.gail.extras import require_libraries

if TYPE_CHECKING:
    from tasks.gail.controls import NoiseOfSameNorm, clone_behaviour
    from tasks.gail.demonstrations.demonstrations import Demonstrations
    from tasks.gail.demonstrations.minari_files import read_minari, write_minari
    from tasks.gail.demonstrations.recording import record
    from tasks.gail.demonstrations.trajectory import Trajectory
    from tasks.gail.discriminator import Discriminator
    from tasks.gail.environments.fixed_horizon import register
    from tasks.gail.environments.seeded_episodes import variable_horizon
    from tasks.gail.experts.trained import Expert, Recipe, train_expert
    from tasks.gail.measures.likeness import action_agreement, action_error, energy_distance, state_action_distance
    from tasks.gail.measures.measurement import measure, measure_policy, random_return
    from tasks.gail.measures.stability import Stability, stability
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
    "Recipe",
    "Regulariser",
    "Stability",
    "Trajectory",
    "action_agreement",
    "action_error",
    "clone_behaviour",
    "energy_distance",
    "measure",
    "measure_policy",
    "random_return",
    "read_minari",
    "record",
    "register",
    "stability",
    "state_action_distance",
    "train_expert",
    "variable_horizon",
    "write_minari",
]

_find = lazily(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for: listing presets needs no environment."""
    if name in __all__:
        require_libraries()
    return _find(name)
