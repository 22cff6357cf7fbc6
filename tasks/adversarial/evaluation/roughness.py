"""How rough perturbations are: sign steps are as rough as noise, learned ones may be smoother."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.errors import require_positive


def roughness(perturbations: Tensor, eps: float) -> Tensor:
    """Total variation over eps: the mean of |d_p - d_q| / eps over all neighbouring pixels p, q, shape (n,).

    Neighbours lie beside or above each other in one channel. The same change everywhere has 0, independent signs
    of eps have 1 on average, a chequerboard of plus and minus eps has 2.

    Args:
        perturbations: d, shape (n, channels, height, width); two pixels at least.
        eps: radius of the threat.

    Raises:
        TypeError: if eps is no number.
        ValueError: if it is not positive, or on another shape.
    """
    require_positive("eps", eps)
    if perturbations.dim() != 4 or perturbations.shape[2] * perturbations.shape[3] < 2:
        raise ValueError(
            "perturbations must have shape (n, channels, height, width) with two pixels or more, got "
            f"{tuple(perturbations.shape)}; of one perturbation pass perturbations[None]."
        )
    along = [perturbations.diff(dim=axis).abs().flatten(1) for axis in (2, 3)]
    return torch.cat(along, 1).mean(1) / eps
