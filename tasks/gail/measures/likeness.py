"""How like the expert a policy acts: measures besides the return."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from minimax_l2l.errors import require_count


def action_agreement(policy: Callable[[Tensor], Tensor], states: Tensor, actions: Tensor) -> float:
    """Share of the expert's states in which the policy takes the expert's discrete action.

    Args:
        policy: actions of shape (n,) from states; deterministic, or the share varies.
        states: states the policy was not trained on, shape (n, ...).
        actions: the expert's actions there, integers of shape (n,).

    Raises:
        TypeError: if `actions` are floating-point.
        ValueError: if there are none, or the policy's actions have another shape.
    """
    if actions.is_floating_point():
        raise TypeError(
            "action_agreement needs integer actions, got floats; use action_error for a box of actions."
        )
    return (_act(policy, states, actions) == actions).double().mean().item()


def action_error(policy: Callable[[Tensor], Tensor], states: Tensor, actions: Tensor) -> float:
    """Mean over the expert's states of |a - a_expert|^2 for actions in a box, in the box's own units.

    Args:
        policy: actions of shape (n, d) from states.
        states: states the policy was not trained on, shape (n, ...).
        actions: the expert's actions there, floats of shape (n, d).

    Raises:
        TypeError: if `actions` are integers.
        ValueError: if there are none, or the policy's actions have another shape.
    """
    if not actions.is_floating_point():
        raise TypeError("action_error needs floating-point actions, got integers; use action_agreement for those.")
    error = (_act(policy, states, actions) - actions).double().square()
    return error.flatten(1).sum(dim=1).mean().item()


def energy_distance(first: Tensor, second: Tensor) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, over all pairs of the two samples: zero exactly for equal samples.

    A point paired with itself counts too. That keeps the number from being negative, and makes it too large by
    about (E|X - X'| + E|Y - Y'|) / n. It is the square of what `scipy.stats.energy_distance` returns for scalars.

    Args:
        first: a sample of X, shape (n, d).
        second: a sample of Y, shape (m, d); the distance is in their units.

    Raises:
        ValueError: if the samples are empty, not two matrices of one width, or not finite.

    Reference: Szekely and Rizzo, "Energy statistics", Journal of Statistical Planning and Inference 143 (2013).
    """
    matrices = first.dim() == second.dim() == 2 and first.numel() and second.numel()
    if not matrices or first.shape[1] != second.shape[1]:
        raise ValueError(
            "energy_distance needs two non-empty samples of shapes (n, d) and (m, d), "
            f"got {tuple(first.shape)} and {tuple(second.shape)}; put one vector in each row."
        )
    if not (first.isfinite().all() and second.isfinite().all()):
        raise ValueError("energy_distance needs finite samples, got NaN or infinity; drop the broken vectors.")
    x, y = first.double(), second.double()
    distance = 2 * _mean_distance(x, y) - _mean_distance(x, x) - _mean_distance(y, y)
    return max(distance, 0.0)  # rounding alone can make it negative


def state_action_distance(
    expert: tuple[Tensor, Tensor],
    policy: tuple[Tensor, Tensor],
    *,
    generator: torch.Generator,
    most: int = 2000,
) -> float:
    """Energy distance between the expert's and the policy's state-action pairs.

    States and box actions are divided by the expert's standard deviation in each coordinate (by 1 where the expert
    never varies); discrete actions are one-hot, so that two different actions are sqrt(2) apart.

    Args:
        expert: states of shape (n, ...) and actions, integers of shape (n,) or floats of shape (n, d).
        policy: likewise, of any length.
        generator: draws the pairs to keep from a longer sample; a CPU generator.
        most: pairs to keep from each; fewer are all kept, and then nothing is drawn.

    Raises:
        TypeError: if `most` is not an integer, or one player's actions are integers and the other's are floats.
        ValueError: if `most` is below 1, or samples are empty, not finite, or differ in shape.
    """
    require_count("most", most, least=1)
    (expert_states, expert_actions), (policy_states, policy_actions) = (
        _keep(*pairs, most, generator) for pairs in (expert, policy)
    )
    if expert_actions.is_floating_point() != policy_actions.is_floating_point():
        raise TypeError(
            "expert and policy must act in one action space, "
            f"got {expert_actions.dtype} and {policy_actions.dtype}; "
            "pass integers for discrete actions and floats for a box."
        )
    first, second = _in_expert_units(expert_states, policy_states)
    if expert_actions.is_floating_point():
        acts = _in_expert_units(expert_actions, policy_actions)
    else:
        # Columns of actions that nobody takes are zero and add nothing.
        kinds = int(max(expert_actions.max(), policy_actions.max())) + 1
        acts = (one_hot(expert_actions.long(), kinds).double(), one_hot(policy_actions.long(), kinds).double())
    return energy_distance(torch.cat([first, acts[0]], dim=1), torch.cat([second, acts[1]], dim=1))


@torch.no_grad()
def _act(policy: Callable[[Tensor], Tensor], states: Tensor, actions: Tensor) -> Tensor:
    taken = policy(states)
    if not len(actions) or taken.shape != actions.shape:
        raise ValueError(
            "the policy must give one action for each of the expert's, and there must be some; "
            f"got shape {tuple(taken.shape)} for {tuple(actions.shape)}."
        )
    return taken


def _keep(states: Tensor, actions: Tensor, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    if not len(states) or len(states) != len(actions):
        raise ValueError(
            f"states and actions must come in pairs, got {len(states)} and {len(actions)}; "
            "pass at least one state, and one action for each."
        )
    if len(states) > most:
        kept = torch.randperm(len(states), generator=generator)[:most].to(states.device)
        states, actions = states[kept], actions[kept]
    return states.flatten(1), actions


def _in_expert_units(expert: Tensor, policy: Tensor) -> tuple[Tensor, Tensor]:
    expert, policy = expert.double().flatten(1), policy.double().flatten(1)
    scale = expert.std(dim=0, correction=0)
    scale = torch.where(scale > 0, scale, 1.0)
    return expert / scale, policy / scale


def _mean_distance(x: Tensor, y: Tensor) -> float:
    # The faster matrix-product form loses close pairs to cancellation.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").mean().item()
