"""The discriminator as a function of its flat weight vector, which is the inner variable of imitation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from gymnasium import spaces
from torch import Tensor, nn

from minimax_l2l import flat_weights, with_weights
from minimax_l2l.errors import require_a, require_flag, require_not_negative, require_widths

# Observations lie at most so many of the expert's deviations from its mean; a cart that runs away is far enough.
FARTHEST = 10.0
# So far from it, in deviations, begins what the expert hardly ever shows.
NEAR = 3.0


class Discriminator(nn.Module):
    """z(s, a; w), the logit of D(s, a) = sigmoid(z): the probability that (s, a) came from the policy.

    A perceptron with tanh whose weights w are handed to every call as one vector. Observations and continuous
    actions are brought to zero mean and unit deviation, as measured on the expert, and cut at ten; a discrete
    action is one-hot. These numbers are not part of w.

    A network knows nothing of places where no pair has been, and cannot tell pairs apart beyond the cut. A policy
    that is drawn there by chance then finds no way back. With `outside` the logit has a term without weights,
    outside * sum_j log(max(1, |x_j| / 3)) of the standardised x before the cut: what lies far from all that the
    expert showed is the policy's, and the farther, the surer.

    Args:
        observations: the expert's, shape (n, d), raw.
        actions: the expert's, shape (n,), whole numbers, or (n, ...).
        action_space: the environment's.
        hidden: widths of the hidden layers; 64 and 32 in the paper.
        absorbing: give the network one more input, 1 in the absorbing state and 0 elsewhere.
        outside: weight of the term for what lies outside; 0 leaves it out.

    Raises:
        TypeError: if something is of another kind.
        ValueError: if observations and actions are no pairs of finite numbers of this action space.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        observations: Tensor,
        actions: Tensor,
        action_space: spaces.Space[object],
        hidden: Sequence[int] = (64, 32),
        *,
        absorbing: bool = False,
        outside: float = 0.0,
    ) -> None:
        super().__init__()
        self.absorbing = require_flag("absorbing", absorbing)
        self.outside = require_not_negative("outside", outside)
        hidden = require_widths("hidden", hidden)
        self.choices = _choices(action_space)
        _require_pairs(observations, actions, self.choices)
        pairs = self._join(observations, actions)
        mean, deviation = pairs.mean(0), pairs.std(0, correction=0)
        if self.choices is not None:
            mean[-self.choices :], deviation[-self.choices :] = 0, 1
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", torch.where(deviation > 1e-6, deviation, 1))
        layers: list[nn.Module] = []
        widths = [pairs.shape[1] + absorbing, *hidden]
        for narrow, wide in pairwise(widths):
            layers += [nn.Linear(narrow, wide), nn.Tanh()]
        self.net = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
        self.net.requires_grad_(False)  # only their shapes and first values are used

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(outputs, inputs) of each layer, in the order of the weight vector."""
        return tuple((layer.out_features, layer.in_features) for layer in self.net if isinstance(layer, nn.Linear))

    @property
    def size(self) -> int:
        """m, the length of the weight vector."""
        return sum(outputs * (inputs + 1) for outputs, inputs in self.shapes)

    def first_weights(self) -> Tensor:
        """The vector that training starts from, shape (1, m): torch's own initialisation."""
        return flat_weights(self.net)

    def encode(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Pairs as they are told apart, shape (n, inputs)."""
        standard = (self._join(observations, actions) - self.mean) / self.deviation
        seen = standard if self.outside else standard.clamp(-FARTHEST, FARTHEST)
        return F.pad(seen, (0, int(self.absorbing)))

    def absorbed(self) -> Tensor:
        """The pair of the absorbing state, shape (1, inputs): nothing but its flag."""
        return F.pad(torch.zeros_like(self.mean), (0, 1), value=1.0)[None]

    def forward(self, weights: Tensor, pairs: Tensor) -> Tensor:
        """Logits z of encoded pairs, shape (n,), at weights of shape (m,)."""
        seen = pairs.clamp(-FARTHEST, FARTHEST) if self.outside else pairs
        logits: Tensor = with_weights(self.net, weights, seen).squeeze(-1)
        if not self.outside:
            return logits
        return logits + self.outside * (pairs.abs() / NEAR).clamp_min(1).log().sum(-1)

    def _join(self, observations: Tensor, actions: Tensor) -> Tensor:
        coded = F.one_hot(actions.long(), self.choices) if self.choices is not None else actions.flatten(1)
        return torch.cat([observations, coded.to(observations)], dim=1)


def _choices(action_space: object) -> int | None:
    """How many actions there are to choose from; None of a box."""
    kinds = (spaces.Discrete, spaces.Box)
    require_a("action_space", action_space, kinds, "a Discrete or a Box", "pass the environment's action_space")
    if not isinstance(action_space, spaces.Discrete):
        return None
    if action_space.start != 0:
        raise ValueError(f"action_space must count from 0, got {action_space}; number its actions anew.")
    return int(action_space.n)


def _require_pairs(observations: Tensor, actions: Tensor, choices: int | None) -> None:
    for name, values in (("observations", observations), ("actions", actions)):
        require_a(name, values, Tensor, "a tensor", "pass what Demonstrations.pairs() returns")
        if values.dtype.is_complex or not len(values.shape) or not values.isfinite().all():
            raise ValueError(f"{name} must be finite real numbers, one row for each pair; mend or drop the others.")
    if observations.ndim != 2 or not observations.numel() or not observations.is_floating_point():
        raise ValueError(
            f"observations must be floating point of shape (n, d), got {observations.dtype} of shape "
            f"{tuple(observations.shape)}; pass what Demonstrations.pairs() returns."
        )
    whole = actions.ndim == 1 and not (actions.is_floating_point() or actions.dtype is torch.bool)
    if len(actions) != len(observations) or (whole if choices is None else not whole):
        needed = "(n, ...), floating point" if choices is None else "(n,), whole numbers"
        raise ValueError(
            f"actions must be of shape {needed}, n = {len(observations)} as of observations, got {actions.dtype} "
            f"of shape {tuple(actions.shape)}; pass what Demonstrations.pairs() returns."
        )
    if choices is not None and not 0 <= actions.min() <= actions.max() < choices:
        raise ValueError(
            f"actions must lie from 0 to {choices - 1}, got {actions.min()} to {actions.max()}; number them."
        )
