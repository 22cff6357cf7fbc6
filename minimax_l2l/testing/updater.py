"""What every updater owes its learned optimizer."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from minimax_l2l.iterate import State
from minimax_l2l.testing import probes
from minimax_l2l.testing.law import law, uphold
from minimax_l2l.trees import ravel
from minimax_l2l.updaters.base import Updater

_CALLS = 3


def check_updater(updater: Updater, features: Tensor, *, seed: int = 0, tolerance: float = 1e-5) -> None:
    """(a, state) to (u, state) with u shaped as one feature, instance by instance, every parameter in use.

    Args:
        updater: the network; copies of it are looked at.
        features: what it will see, shape (n, channels, *event). Two instances at least are needed to see whether
            they are independent.
        seed: of the noise on copies' parameters.
        tolerance: largest relative difference that counts as rounding.

    Raises:
        ContractViolation: if a law is broken.
        TypeError: if `updater` is not an updater.
    """
    probes.require_kind("updater", updater, Updater)
    uphold(_Trial, lambda: _Trial(copy.deepcopy(updater), features, tolerance), seed=seed)


def _unroll(updater: Updater, features: Tensor) -> tuple[list[Tensor], list[State]]:
    """Updates and states of a few calls that hand on the state."""
    updates, states, state = [], [], ()
    for _ in range(_CALLS):
        update, state = updater(features, state)
        updates.append(update)
        states.append(state)
    return updates, states


@dataclass(frozen=True)
class _Trial:
    """A copy of an updater, and features for it."""

    updater: Updater
    features: Tensor
    tolerance: float

    @law("return (update, ()) where there is no state")
    def forward_returns_update_and_state(self) -> Iterator[str]:
        """forward(features, state) returns two things, the update and the next state."""
        returned: object = self.updater(self.features, ())
        if not (isinstance(returned, tuple) and len(returned) == 2):
            yield f"it returned a {type(returned).__name__}"

    @law("leave out conversions, and reshape the output to features[:, 0]")
    def update_is_like_a_feature(self) -> Iterator[str]:
        """An update has the shape of one feature, and the features' dtype and device."""
        return probes.unlike(self.updater(self.features, ())[0], self.features[:, 0])

    @law("wrap a single tensor as (tensor,)")
    def state_is_a_tuple(self) -> Iterator[str]:
        """The state is a tuple of tensors, () if there is none."""
        for state in _unroll(self.updater, self.features)[1]:
            if not (isinstance(state, tuple) and all(isinstance(part, Tensor) for part in state)):
                yield f"it is {type(state).__name__} {state!r:.60}"

    @law("return the next state at every call")
    def state_is_carried(self) -> Iterator[str]:
        """A call returns a state like the one it was given."""
        shapes = [[tuple(part.shape) for part in state] for state in _unroll(self.updater, self.features)[1]]
        if any(shape != shapes[0] for shape in shapes):
            yield f"the shapes from call to call were {shapes}"

    @law("read the state in forward, or return ()")
    def state_is_used(self) -> Iterator[str]:
        """A state changes what the updater does next."""
        network = probes.stirred(self.updater).eval()
        fresh, state = network(self.features, ())
        if state and torch.equal(fresh, network(self.features, state)[0]):
            yield "the update was the same with it as with none"

    @law("detach nothing in forward, and register only the parameters that it uses")
    def gradients_reach_every_parameter(self) -> Iterator[str]:
        """Every parameter of an updater learns."""
        network = probes.stirred(self.updater)
        # Batch statistics hide a bias before them, running ones may hide the negative half of a PReLU after them.
        updates = [update for mode in (True, False) for update in _unroll(network.train(mode), self.features)[0]]
        total = torch.stack([(update * torch.randn_like(update)).sum() for update in updates]).sum()
        reached = probes.gradients(total, network)
        idle = [name for name, part in reached.items() if part is None or not bool((part != 0).any())]
        if idle:
            yield f"no gradient reaches {', '.join(idle)}"

    @law(
        "keep each argument of the constructor under its own name, as a plain value, and make everything that "
        "forward depends on an argument of the constructor or a weight"
    )
    def config_rebuilds_the_network(self) -> Iterator[str]:
        """config() holds what builds the same architecture again, in JSON."""
        updater, features = self.updater, self.features
        try:
            twin = type(updater)(**json.loads(json.dumps(updater.config())))
            twin.to(features.device, features.dtype).load_state_dict(updater.state_dict())
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            yield f"it failed with {error!r}"
            return
        with torch.no_grad():
            same = torch.equal(updater.eval()(features, ())[0], twin.eval()(features, ())[0])
        if not same:
            yield "the rebuilt network with the same weights gives another update"

    @law("normalise instance by instance, and use the batch's statistics in training mode only")
    def instances_are_independent(self) -> Iterator[str]:
        """Instances are independent in eval mode: update i depends on features i alone."""
        network, other = probes.stirred(self.updater).eval(), torch.randn_like(self.features)
        moves = probes.moved_along(
            self.features, other, lambda tree: _unroll(network, ravel(tree))[0], self.tolerance
        )
        for j, _, moved in moves:
            yield f"changing instance {j} moved the update of instance {moved.instance} {moved.words}"
