"""What is measured of a finished run of imitation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from minimax_l2l.errors import require_count
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.environments.evaluator import Evaluator
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.measures.likeness import action_agreement, action_error, state_action_distance
from tasks.gail.measures.stability import stability
from tasks.gail.task import GAIL

FINAL_SEED = 1_000
LAST = ("policy_accuracy", "expert_accuracy", "held_out_accuracy")


def measure(
    task: GAIL,
    history: Sequence[Mapping[str, float]],
    held_out: Demonstrations,
    *,
    random: float,
    expert: float,
    episodes: int = 100,
) -> dict[str, Any]:
    """A result row's numbers: the curve and its stability, what the policy is worth, the discriminator.

    Args:
        task: as its run left it.
        history: of the run.
        held_out: demonstrations that nothing was trained on.
        random: mean return of random actions.
        expert: mean return of the expert on the episodes that the policy is measured on here.
        episodes: how many those are.
    """
    evaluated = [row for row in history if "return_mean" in row]
    iterations = [int(row["step"]) for row in evaluated]
    returns = [row["return_mean"] for row in evaluated]
    return {
        **stability(iterations, returns, random=random, expert=expert).as_row(),
        **measure_policy(task, held_out, random=random, expert=expert, episodes=episodes),
        # the mean over the run's last tenth, since one rollout's accuracy is noisy
        **{name: _mean_of_last_tenth(history, name) for name in LAST},
        "curve": {"iterations": iterations, "returns": returns},
        "accuracies": {name: [round(row[name], 4) for row in evaluated] for name in LAST},
    }


def measure_policy(
    task: GAIL, held_out: Demonstrations, *, random: float, expert: float, episodes: int = 100
) -> dict[str, Any]:
    """What a deterministic policy is worth: its returns, and how like the expert's its actions and states are.

    Its states are those of these episodes; arguments are those of `measure`.
    """
    final = Evaluator(task.environment_id, episodes, seed=FINAL_SEED).play(task.learner.act)
    final_return = float(final.returns.mean())
    states, actions = held_out.pairs()
    discrete = isinstance(task.learner.episodes.action_space, spaces.Discrete)

    def policy(seen: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(task.learner.act(seen.numpy()))

    agreement = action_agreement if discrete else action_error
    return {
        "final_return": final_return,
        "final_score": (final_return - random) / (expert - random),
        ("action_agreement" if discrete else "action_error"): agreement(policy, states, actions),
        "energy_distance": state_action_distance(
            (states, actions),
            (torch.from_numpy(final.observations), torch.from_numpy(final.actions)),
            generator=torch.Generator().manual_seed(0),
        ),
    }


def random_return(environment_id: str, *, episodes: int = 100) -> float:
    """Mean return of uniformly random actions, on the episodes that `measure` plays: a score of 0.

    Args:
        environment_id: a gymnasium id.
        episodes: how many.
    """
    space = make_environment(environment_id, seed=0).action_space
    space.seed(0)
    evaluator = Evaluator(environment_id, require_count("episodes", episodes, least=1), seed=FINAL_SEED)
    return float(evaluator.returns(lambda seen: np.array([space.sample() for _ in seen])).mean())


def _mean_of_last_tenth(history: Sequence[Mapping[str, float]], name: str) -> float:
    values = [row[name] for row in history[-max(len(history) // 10, 1) :]]
    return sum(values) / len(values)
