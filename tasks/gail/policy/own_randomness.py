"""Global generators lent a run's own states, for libraries that draw from nowhere else."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class OwnRandomness:
    """A context in which torch's and numpy's global generators continue this object's own streams.

    Afterwards they are what they were, so a run depends on nothing that was drawn elsewhere, and disturbs nobody.
    Python's own generator, which Stable-Baselines3 seeds and nothing here draws from, is put back as well.

    Args:
        seed: of both streams.
    """

    def __init__(self, seed: int) -> None:
        self._torch = torch.Generator().manual_seed(seed).get_state()
        self._numpy = np.random.RandomState(seed)

    def __enter__(self) -> None:
        self._outside = torch.get_rng_state(), np.random.get_state(), random.getstate()
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy.get_state())

    def __exit__(self, *_: object) -> None:
        self._torch = torch.get_rng_state()
        self._numpy.set_state(np.random.get_state())
        torch.set_rng_state(self._outside[0])
        np.random.set_state(self._outside[1])
        random.setstate(self._outside[2])

    def state_dict(self) -> dict[str, Any]:
        """Both streams, as tensors and plain numbers."""
        _, key, position, has_gauss, gauss = self._numpy.get_state(legacy=True)
        return {
            "torch": self._torch,
            "numpy": torch.from_numpy(np.asarray(key).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "gauss": float(gauss),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._torch = state["torch"]
        key = state["numpy"].numpy().astype(np.uint32)
        self._numpy.set_state(("MT19937", key, state["position"], state["has_gauss"], state["gauss"]))
