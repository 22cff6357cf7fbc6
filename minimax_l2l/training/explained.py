"""What torch says of games that cannot be played as they are, in sentences that say what to do."""

from __future__ import annotations

import re

from minimax_l2l.oracle import CHANGED, ON_A_COPY

_TWO_DTYPES = "|".join(
    (
        r"\w+ and \w+ must have the same dtype[^;\n]*",
        r"expected m1 and m2 to have the same dtype[^;\n]*",
        r"expected scalar type \w+ but found \w+",
        r"Found dtype \w+ but expected \w+",
        r"Input type \(\w+\) and (?:bias|weight) type \(\w+\) should be the same",
        r"mixed dtype \(\w+\): all inputs must share same datatype",
    )
)
_SENTENCES = {
    r"derivative for '?(?:aten::)?(\w+?)'? is not implemented": (
        "second derivatives are asked for (second_order=True) of {0}, which torch cannot differentiate twice; pass "
        "second_order=False, or let the network do without it: for attention, solve within "
        "torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)."
    ),
    r"marked with @once_differentiable": (
        "second derivatives are asked for (second_order=True) of a function marked with @once_differentiable; pass "
        "second_order=False, or let the network do without it."
    ),
    r"Expected more than 1 value per channel": (
        "a batch of one instance cannot be normalised by a BatchNorm layer in train mode; make batches larger, "
        "drop a last one that is short, or freeze the layer with .eval() and .requires_grad_(False)."
    ),
    r"backward through the graph a second time": (
        "the loss reaches back into a graph that an earlier batch has used up; compute from theta inside "
        "objective(y), and detach what the problem or the task keeps from batch to batch."
    ),
    r"modified by an inplace operation": (
        "a tensor that the gradient needs was changed in place: write x = x - m in place of x.sub_(m), and detach "
        "what the problem or the task keeps from batch to batch."
    ),
    CHANGED: ON_A_COPY,
    rf"({_TWO_DTYPES})": (
        "tensors of two dtypes meet, and torch says: {0}; let initial() and the batches have the dtype of the "
        "network, for instance by torch.zeros_like(x) and x.to(weight.dtype)."
    ),
    r"use_reentrant=True": (
        "a network is checkpointed with use_reentrant=True, which cannot tell y's gradient from theta's; pass "
        "use_reentrant=False to torch.utils.checkpoint.checkpoint."
    ),
    r"finished reduction in the prior iteration": (
        "some weights of theta or phi got no gradient in the last step, for which the other processes would wait "
        "for ever; use them in the loss, or freeze them with requires_grad_(False)."
    ),
}


def explained(message: str) -> str | None:
    """Our sentence for a message of torch's; None if there is none."""
    for pattern, sentence in _SENTENCES.items():
        if found := re.search(pattern, message):
            return sentence.format(*found.groups())
    return None
