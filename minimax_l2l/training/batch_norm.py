"""BatchNorm over the instances of all processes, so that a shared batch is normalised as a whole one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx


class SynchronisedBatchNorm(nn.SyncBatchNorm):
    """torch's SyncBatchNorm, which needs CUDA, and the same by differentiable sums elsewhere.

    In training mode, over the m numbers of a channel in all processes, y = (x - mean) / sqrt(var + eps), var with
    divisor m; running statistics take var with divisor m - 1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Shape (n, channels, ...) in and out."""
        if input.is_cuda or not self.training:
            return super().forward(input)
        over = [0, *range(2, input.dim())]
        shape = [1, -1, *[1] * (input.dim() - 2)]
        count = _total(input.new_tensor(input.numel() / input.shape[1]))
        mean = _total(input.sum(over)) / count
        centred = input - mean.view(shape)
        variance = _total(centred.square().sum(over)) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        result = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            result = result * self.weight.view(shape) + self.bias.view(shape)
        return result

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / self.num_batches_tracked
        self.running_mean += share * (mean - self.running_mean)
        self.running_var += share * (variance - self.running_var)


class _Sum(torch.autograd.Function):
    """The sum over all processes, which is its own derivative: a change here is felt by the losses of all."""

    @staticmethod
    def forward(ctx: FunctionCtx, value: Tensor) -> Tensor:  # noqa: ARG004
        total = value.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, pull: Tensor) -> Tensor:  # noqa: ARG004
        return _total(pull)


def _total(value: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(value)
    return total


@contextmanager
def synchronised(module: nn.Module) -> Iterator[None]:
    """All BatchNorm layers of a module synchronised while the context is open.

    Layers change their class, and no module is replaced: whoever holds one still holds the one that is trained.
    """
    layers = [part for part in module.modules() if type(part) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)]
    classes = [type(layer) for layer in layers]
    try:
        for layer in layers:
            layer.__class__ = SynchronisedBatchNorm
            setattr(layer, "process_group", None)  # noqa: B010 - what SyncBatchNorm's constructor sets
        yield
    finally:
        for layer, kind in zip(layers, classes, strict=True):
            layer.__class__ = kind
            delattr(layer, "process_group")
