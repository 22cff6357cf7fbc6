"""What gradients need before there can be any: weights that hold values, real numbers, a torch that records."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


def require_recording() -> None:
    """Refuse inference mode, in which torch records nothing and cannot be told to.

    Raises:
        ValueError: within `torch.inference_mode()`.
    """
    if torch.is_inference_mode_enabled():
        raise ValueError(
            "gradients are needed, and within torch.inference_mode() there are none; call this outside of it. No "
            "mode is needed around it: weight gradients are formed only where weights are trained."
        )


def require_real(name: str, values: Tensor) -> Tensor:
    """Refuse complex numbers, of which none is the highest.

    Args:
        name: what returned them.
        values: which are to be ascended or descended.

    Raises:
        TypeError: if they are complex.
    """
    if values.is_complex():
        raise TypeError(
            f"{name} must return real numbers, got {values.dtype}; return their real parts, .real, or their sizes, "
            ".abs()."
        )
    return values


def require_values(name: str, module: nn.Module) -> None:
    """Refuse weights without values, and weights through which no gradient can flow.

    Args:
        name: what the module is called.
        module: whose parameters and buffers are looked at.

    Raises:
        ValueError: if one is on the meta device, or a parameter was made within `torch.inference_mode()`.
    """
    for own, weight in chain(module.named_parameters(), module.named_buffers()):
        if is_lazy(weight):
            continue
        if weight.is_meta:
            raise ValueError(
                f"{name} has weights on the meta device, where they hold no values ({own}); make it outside of "
                'torch.device("meta"), or call to_empty(device="cpu") and load_state_dict(...).'
            )
        if weight.is_inference() and isinstance(weight, nn.Parameter):
            raise ValueError(
                f"{name} was made within torch.inference_mode(), so no gradient flows through its weights ({own}); "
                "make or load it outside of it, or pass copy.deepcopy(...) of it."
            )
