"""Where a run happens: device and precision, chosen by Lightning Fabric."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import nn

from minimax_l2l.errors import require_choice

Precision = Literal["32-true", "bf16-mixed"]
PRECISIONS: tuple[Precision, ...] = ("32-true", "bf16-mixed")


class Runtime:
    """A device and a precision.

    Args:
        device: `"auto"` (CUDA where there is one), `"cpu"`, `"cuda"` or `"cuda:N"`.
        precision: Fabric's name of the arithmetic: `"32-true"` computes in the dtypes that theta, phi and the
            batches have, `"bf16-mixed"` runs forward passes in bfloat16 where that is safe.

    Raises:
        ValueError: if the device is not one of these, or is not there.
    """

    def __init__(self, device: str = "auto", precision: Precision = "32-true") -> None:
        from lightning_fabric import Fabric  # imported when a run starts: it takes over a second

        require_choice("precision", precision, PRECISIONS)
        kind, _, index = device.partition(":")
        if kind not in ("auto", "cpu", "cuda") or (index and (kind != "cuda" or not index.isdigit())):
            raise ValueError(f"there is no device {device!r}; choose auto, cpu, cuda or cuda:N.")
        if kind == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"device {device!r} was asked for, but torch sees no CUDA device; choose auto or cpu.")
        if index and int(index) >= torch.cuda.device_count():
            raise ValueError(
                f"device {device!r} was asked for, but torch sees {torch.cuda.device_count()} CUDA devices, "
                "numbered from 0; choose one of those."
            )
        accelerator = ("cuda" if torch.cuda.is_available() else "cpu") if kind == "auto" else kind
        self._fabric = Fabric(accelerator=accelerator, devices=[int(index)] if index else 1, precision=precision)

    @property
    def device(self) -> torch.device:
        """The device that theta, phi and every batch are on."""
        return self._fabric.device

    def place(self, module: nn.Module) -> None:
        """Move a module's parameters and buffers, in place."""
        module.to(self.device)

    def place_batch(self, batch: Any) -> Any:
        """Move the tensors of a batch, whatever collection holds them."""
        return self._fabric.to_device(batch)

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision, as a context around a forward pass."""
        return self._fabric.autocast()
