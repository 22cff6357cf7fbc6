"""A network as a function of its weights, so that these can be an inner variable."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from minimax_l2l.errors import require_a


def flat_weights(module: nn.Module) -> Tensor:
    """All weights of a network as one instance of an inner variable, detached: shape (1, m)."""
    require_a("module", module, nn.Module, "a torch module", "pass a network such as torch.nn.Linear(2, 1)")
    parts = [weight.detach().flatten() for weight in module.parameters()]
    if not parts:
        raise ValueError(f"module is a {type(module).__name__} without weights; pass a network that has some.")
    return torch.cat(parts)[None]


def with_weights(module: nn.Module, weights: Tensor, *inputs: Any) -> Any:
    """What a network returns where its weights are those of a vector; its own are neither used nor moved.

    Gradients go to the vector. For n networks of one kind, use `torch.func.vmap`.

    Args:
        module: says what is computed, and in which order the weights come: that of `module.parameters()`.
        weights: shape (m,), such as one row of `flat_weights`.
        inputs: of the network.

    Raises:
        TypeError: if the module is none or the weights are no tensor.
        ValueError: if there are more or fewer than m weights.
    """
    require_a("module", module, nn.Module, "a torch module", "pass a network such as torch.nn.Linear(2, 1)")
    require_a("weights", weights, Tensor, "a tensor", "pass one row of flat_weights(module)")
    own = dict(module.named_parameters())
    sizes = [weight.numel() for weight in own.values()]
    if tuple(weights.shape) != (sum(sizes),):
        raise ValueError(
            f"weights must be one vector of shape ({sum(sizes)},), got shape {tuple(weights.shape)}; pass one row "
            "of flat_weights(module)."
        )
    parts = torch.split(weights, sizes)
    named = {name: part.view_as(like) for (name, like), part in zip(own.items(), parts, strict=True)}
    return functional_call(module, named, inputs)
