"""Where a run happens: devices, processes and precision, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from minimax_l2l.errors import LostProcessError, require_choice, require_count
from minimax_l2l.training.explained import explained

Device = str | int | torch.device | None
Precision = Literal["32-true", "bf16-mixed"]

# Longest wait for another process; one that has died is noticed at once, by its launcher or its closed connection.
PATIENCE = timedelta(minutes=30)


class Runtime:
    """A device for each process, and a precision.

    Started by `torchrun`, a script is one of its processes, on one machine or many. With several `devices` it is
    started again for each of the others, as Lightning Fabric does it.

    Args:
        device: `"auto"` (CUDA where there is one), `"cpu"`, `"cuda"` or `"cuda:N"`; a torch.device, or N, of CUDA.
            The one CPU may be numbered as torch does it, `"cpu:0"`.
        precision: Fabric's name of the arithmetic: `"32-true"` computes in the dtypes that theta, phi and the
            batches have, `"bf16-mixed"` runs forward passes in bfloat16 where that is safe.
        devices: how many processes on this machine, one device each; None is one, or as many as torchrun started.
        in_turns: whether a backward may reach one player alone, for whose gradients the other must not wait.

    Attributes:
        precision: as it was given.
        rank: the number of this process among all.
        world: how many there are.

    Raises:
        ValueError: if the device is not one of these, or is not there.
    """

    def __init__(
        self,
        device: Device = "auto",
        precision: Precision = "32-true",
        devices: int | None = None,
        *,
        in_turns: bool = False,
    ) -> None:
        from lightning_fabric import Fabric  # imported when a run starts: it takes over a second
        from lightning_fabric.strategies.ddp import DDPStrategy

        self.precision: str = require_choice("precision", precision, get_args(Precision))
        accelerator, index = _accelerator(device)
        nodes, here = _processes(devices, index)
        several = nodes * here > 1
        joined = DDPStrategy(find_unused_parameters=in_turns, timeout=PATIENCE) if several else "auto"
        self._fabric = Fabric(
            accelerator=accelerator,
            devices=[index] if index is not None else here,
            num_nodes=nodes,
            precision=precision,
            strategy=joined,
        )
        if several:
            logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets from every process
            self._fabric.launch()
        self.rank, self.world = self._fabric.global_rank, self._fabric.world_size

    @property
    def device(self) -> torch.device:
        """The device that theta, phi and every batch are on."""
        return self._fabric.device

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and talks to people."""
        return self.rank == 0

    def place(self, module: nn.Module) -> None:
        """Move a module's parameters and buffers, in place."""
        module.to(self.device)

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose forward runs in this precision, and whose gradients are averaged over the processes."""
        if self.world > 1 and not any(weight.requires_grad for weight in module.parameters()):
            return module  # nothing to average
        return self._fabric.setup_module(module)

    def backward(self, loss: Tensor) -> None:
        """Form the gradients of a loss that a wrapped module returned."""
        self._fabric.backward(loss)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Say in a sentence what torch says at length.

        Raises:
            LostProcessError: if another process is gone.
            ValueError: see `explained`.
        """
        try:
            yield
        except (RuntimeError, ValueError) as error:
            if (sentence := explained(str(error))) is not None:
                raise ValueError(sentence) from error
            if self.world == 1:
                raise
            if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
                raise LostProcessError(
                    f"process {self.rank} of {self.world} has lost another one, which failed or was killed; see "
                    "what that one said, and go on with the run by resuming it."
                ) from error
            raise

    def share(self, batch: Any) -> tuple[Any, float]:
        """This process's part of a batch, on its device, and what its mean weighs in the mean over all.

        Tensors are cut along the first dimension if it is that of the batch's first tensor; all else is handed on.

        Returns:
            The part, and n_here * processes / n.

        Raises:
            ValueError: if there are fewer instances than processes.
        """
        weight = 1.0
        if self.world > 1:
            count = next((len(part) for part in tree_leaves(batch) if isinstance(part, Tensor) and part.dim()), 0)
            if count < self.world:
                raise ValueError(
                    f"a batch of {count} cannot be shared by {self.world} processes; make batches larger, or start "
                    "fewer processes."
                )
            start, stop = (count * rank // self.world for rank in (self.rank, self.rank + 1))
            batch = tree_map_only(
                Tensor, lambda part: part[start:stop] if part.dim() and len(part) == count else part, batch
            )
            weight = (stop - start) * self.world / count
        return self._fabric.to_device(batch), weight

    def mean(self, value: Tensor) -> Tensor:
        """The mean over all processes."""
        return self._reduced(value, "mean")

    def largest(self, value: Tensor) -> Tensor:
        """The maximum over all processes."""
        return self._reduced(value, "max")

    def _reduced(self, value: Tensor, how: str) -> Tensor:
        if self.world == 1:
            return value
        reduced = self._fabric.all_reduce(value.clone(), reduce_op=how)
        assert isinstance(reduced, Tensor)
        return reduced

    def wait(self) -> None:
        """Until every process is here."""
        self._fabric.barrier()


def _accelerator(device: Device) -> tuple[str, int | None]:
    if isinstance(device, bool) or not isinstance(device, str | int | torch.device | None):
        raise TypeError(
            f"device must be a name, a number or a torch.device, got {type(device).__name__} {device!r}."
        )
    device = "auto" if device is None else f"cuda:{device}" if isinstance(device, int) else str(device)
    device = "cpu" if device == "cpu:0" else device
    kind, colon, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (colon and (kind != "cuda" or not index.isdigit())):
        raise ValueError(f"there is no device {device!r}; choose auto, cpu, cuda or cuda:N.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} was asked for, but torch sees no CUDA device; choose auto or cpu.")
    if index and int(index) >= torch.cuda.device_count():
        raise ValueError(
            f"device {device!r} was asked for, but torch sees {torch.cuda.device_count()} CUDA devices, "
            "numbered from 0; choose one of those."
        )
    accelerator = ("cuda" if torch.cuda.is_available() else "cpu") if kind == "auto" else kind
    return accelerator, int(index) if index else None


def _processes(devices: int | None, index: int | None) -> tuple[int, int]:
    """Machines, and processes on this one."""
    started = int(os.environ.get("LOCAL_WORLD_SIZE", 0)) if torch.distributed.is_torchelastic_launched() else 0
    if devices is not None:
        require_count("devices", devices, least=1)
        if started and devices != started:
            raise ValueError(
                f"torchrun started {started} processes on this machine, devices={devices} were asked for; leave "
                "devices out, or start as many."
            )
    if index is not None and max(devices or 1, started) > 1:
        raise ValueError(f"one device, cuda:{index}, cannot serve several processes; name it cuda.")
    nodes = int(os.environ["WORLD_SIZE"]) // started if started else 1
    return nodes, started or devices or 1
