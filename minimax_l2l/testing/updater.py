"""What every updater owes its learned optimizer."""

from __future__ import annotations

import copy
import json

import torch
from torch import Tensor

from minimax_l2l.iterate import State
from minimax_l2l.testing.probes import moved_most, neighbours, require_kind, seeded, stirred, with_instance
from minimax_l2l.testing.violation import ContractViolation, require
from minimax_l2l.updaters.base import Updater

_CALLS = 3


def check_updater(updater: Updater, features: Tensor, *, seed: int = 0, tolerance: float = 1e-5) -> None:
    """(a, state) to (u, state) with u shaped as one feature, instance by instance, every parameter in use.

    The updater itself is left as it is: copies are looked at.

    Args:
        updater: the network.
        features: what it will see, shape (n, channels, *event). Two instances at least are needed to see whether
            they are independent.
        seed: of the noise on copies' parameters.
        tolerance: largest relative difference that counts as rounding.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if `updater` is not an updater.
    """
    require_kind("updater", updater, Updater)
    for law in (
        _forward_returns_update_and_state,
        _update_is_like_a_feature,
        _state_is_carried,
        _state_is_used,
        _gradients_reach_every_parameter,
        _config_rebuilds_the_network,
    ):
        with seeded(seed):
            law(updater, features)
    with seeded(seed):
        _instances_are_independent(updater, features, tolerance)


def _unroll(updater: Updater, features: Tensor) -> tuple[list[Tensor], list[State]]:
    """Updates and states of a few calls that hand on the state."""
    updates, states, state = [], [], ()
    for _ in range(_CALLS):
        update, state = updater(features, state)
        updates.append(update)
        states.append(state)
    return updates, states


def _forward_returns_update_and_state(updater: Updater, features: Tensor) -> None:
    returned: object = copy.deepcopy(updater)(features, ())
    require(
        isinstance(returned, tuple) and len(returned) == 2,
        law="forward(features, state) returns two things, the update and the next state",
        seen=f"it returned a {type(returned).__name__}",
        remedy="return (update, ()) where there is no state",
    )


def _update_is_like_a_feature(updater: Updater, features: Tensor) -> None:
    update, _ = copy.deepcopy(updater)(features, ())
    want = (tuple(features[:, 0].shape), features.dtype, features.device)
    have = (tuple(update.shape), update.dtype, update.device)
    require(
        have == want,
        law=f"An update has the shape of one feature, and the features' dtype and device, {want}",
        seen=f"it has {have}",
        remedy="leave out conversions, and reshape the output to features[:, 0]",
    )


def _state_is_carried(updater: Updater, features: Tensor) -> None:
    _, states = _unroll(copy.deepcopy(updater), features)
    for state in states:
        require(
            isinstance(state, tuple) and all(isinstance(part, Tensor) for part in state),
            law="The state is a tuple of tensors, () if there is none",
            seen=f"it is {type(state).__name__} {state!r:.60}",
            remedy="wrap a single tensor as (tensor,)",
        )
    shapes = [[tuple(part.shape) for part in state] for state in states]
    require(
        all(shape == shapes[0] for shape in shapes),
        law="A call returns a state like the one it was given",
        seen=f"the shapes from call to call were {shapes}",
        remedy="return the next state at every call",
    )


def _state_is_used(updater: Updater, features: Tensor) -> None:
    network = stirred(updater).eval()
    fresh, state = network(features, ())
    if not state:
        return
    later, _ = network(features, state)
    require(
        not torch.equal(fresh, later),
        law="A state changes what the updater does next",
        seen="the update was the same with it as with none",
        remedy="read the state in forward, or return ()",
    )


def _instances_are_independent(updater: Updater, features: Tensor, tolerance: float) -> None:
    network = stirred(updater).eval()
    other = torch.randn_like(features)
    with torch.no_grad():
        updates, _ = _unroll(network, features)
        for j in neighbours(len(features)):
            changed = with_instance(features, j, other)
            assert isinstance(changed, Tensor)
            for before, after in zip(updates, _unroll(network, changed)[0], strict=True):
                moved = moved_most(before, after, besides=j)
                require(
                    moved.share <= tolerance,
                    law="Instances are independent in eval mode: update i depends on features i alone",
                    seen=f"changing instance {j} moved the update of instance {moved.instance} {moved.words}",
                    remedy="normalise instance by instance, and use the batch's statistics in training mode only",
                )


def _gradients_reach_every_parameter(updater: Updater, features: Tensor) -> None:
    network = stirred(updater)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return
    # Batch statistics hide a bias before them, running ones may hide the negative half of a PReLU after them.
    updates = [update for mode in (True, False) for update in _unroll(network.train(mode), features)[0]]
    total = torch.stack([(update * torch.randn_like(update)).sum() for update in updates]).sum()
    named = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    weights = [parameter for _, parameter in named]
    gradients = (
        torch.autograd.grad(total, weights, allow_unused=True) if total.requires_grad else (None,) * len(weights)
    )
    idle = [
        name
        for (name, _), gradient in zip(named, gradients, strict=True)
        if gradient is None or not bool((gradient != 0).any())
    ]
    require(
        not idle,
        law="Every parameter of an updater learns",
        seen=f"no gradient reaches {', '.join(idle)}",
        remedy="detach nothing in forward, and register only the parameters that it uses",
    )


def _config_rebuilds_the_network(updater: Updater, features: Tensor) -> None:
    law = "config() holds what builds the same architecture again, in JSON"
    try:
        twin = type(updater)(**json.loads(json.dumps(updater.config())))
        twin.to(features.device, features.dtype).load_state_dict(updater.state_dict())
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise ContractViolation(
            f"{law}, but it failed with {error!r}; keep each argument of the constructor under its own name, as a "
            "plain value."
        ) from error
    with torch.no_grad():
        same = torch.equal(copy.deepcopy(updater).eval()(features, ())[0], twin.eval()(features, ())[0])
    require(
        same,
        law=law,
        seen="the rebuilt network with the same weights gives another update",
        remedy="make everything that forward depends on an argument of the constructor or a weight",
    )
