"""How much memory autograd keeps for backward passes: bytes of storages, each counted once, weights left out."""

from __future__ import annotations

import weakref
from collections import Counter

from torch import Tensor, UntypedStorage, nn
from torch.autograd.graph import saved_tensors_hooks


class KeptActivations(saved_tensors_hooks):
    """Counts what is kept while it is entered; the same on a CPU, on CUDA and on the meta device.

    Args:
        network: whose parameters and buffers are there anyway.

    Attributes:
        now: bytes that are kept at present.
        most: the largest number of bytes that were kept at any time.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(self._keep, lambda kept: kept.tensor)
        self.now = self.most = 0
        self._weights = {part.untyped_storage() for part in (*network.parameters(), *network.buffers())}
        self._kept: Counter[UntypedStorage] = Counter()

    def _keep(self, tensor: Tensor) -> _Kept:
        kept, storage = _Kept(tensor), tensor.untyped_storage()
        if storage not in self._weights:
            if not self._kept[storage]:
                self.now += storage.nbytes()
                self.most = max(self.most, self.now)
            self._kept[storage] += 1
            weakref.finalize(kept, self._drop, storage)
        return kept

    def _drop(self, storage: UntypedStorage) -> None:
        self._kept[storage] -= 1
        if not self._kept[storage]:
            del self._kept[storage]
            self.now -= storage.nbytes()


class _Kept:
    """A tensor that a graph holds on to; once the graph is gone, so is this."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
