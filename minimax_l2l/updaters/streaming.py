"""Adam whose gradients are formed block by block, where they are used, and never stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from minimax_l2l.updaters.outer_product import OuterProduct

_BLOCK = 2**21
"""Numbers in one block of a gradient: 8 MiB in float32, still in cache when Adam reads it, and few calls."""


class StreamingAdam(torch.optim.Adam):
    """Adam that needs weights and two moments, and no memory for the gradients of streaming layers.

    The gradient of a matrix that came as an outer product (of a `StreamingLinear`) is formed some rows at a
    time; torch's fused Adam then steps those rows. Other gradients go to fused Adam as they are. The state is
    that of `torch.optim.Adam`, to which it can be loaded and from which it can come; so are the arguments.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, fused=True
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient; returns what `closure`, if given, returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        products = []
        for group in self.param_groups:
            for weight in group["params"]:
                if isinstance(weight.grad, OuterProduct):
                    self._stream(weight, weight.grad, group)
                    products.append((weight, weight.grad))
                    weight.grad = None
        super().step()
        for weight, gradient in products:
            weight.grad = gradient
        return loss

    def _stream(self, weight: Tensor, gradient: OuterProduct, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["exp_avg"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        height = max(1, _BLOCK // weight.shape[1])
        buffer = weight.new_empty(min(height, len(weight)), weight.shape[1])
        count = torch.empty_like(state["step"])
        failed: Tensor | None = getattr(self, "found_inf", None)  # 1 keeps the weights where they are
        for start in range(0, len(weight), height):
            rows = slice(start, min(start + height, len(weight)))
            block = gradient.rows(rows.start, rows.stop, out=buffer[: rows.stop - rows.start])
            adam(
                [weight[rows]],
                [block],
                [state["exp_avg"][rows]],
                [state["exp_avg_sq"][rows]],
                [],
                [count.copy_(state["step"])],  # which Adam counts up
                fused=True,
                found_inf=failed,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=group["maximize"],
            )
        state["step"] += 1 if failed is None else 1 - failed
