"""Gradients of matrices as the outer products that they are, and the linear layer that hands them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F
from torch.utils._pytree import tree_map


class OuterProduct(Tensor):
    """G = sum_i left_i right_i^T, of which only the vectors are kept: k (rows + columns) numbers.

    To torch it is a matrix: sums and scaling in place stay outer products, its norm is exact without forming it,
    and every other operation that reads it forms it first. What else would write into it is refused.
    """

    left: Tensor  # shape (k, rows)
    right: Tensor  # shape (k, columns)

    @staticmethod
    def __new__(cls, left: Tensor, right: Tensor) -> OuterProduct:
        """A matrix without storage, of the factors' dtype and device."""
        shape = (left.shape[1], right.shape[1])
        matrix: OuterProduct = torch.Tensor._make_wrapper_subclass(cls, shape, dtype=left.dtype, device=left.device)
        matrix.left, matrix.right = left, right
        return matrix

    def __repr__(self) -> str:  # type: ignore[override]
        return f"OuterProduct(left={self.left!r}, right={self.right!r})"

    def rows(self, start: int, stop: int, out: Tensor) -> Tensor:
        """Write rows start ... stop - 1 of G into `out`, shape (stop - start, columns), and return it."""
        return torch.mm(self.left[:, start:stop].T, self.right, out=out)

    def dense(self) -> Tensor:
        """G, formed."""
        return self.left.T @ self.right

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        operation: Any,
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do what keeps the factors with the factors, form the matrix for the rest."""
        kept = _KEEPING.get(operation) if not options else None
        if kept is not None and (result := kept(*arguments)) is not None:
            return result
        if operation._schema.is_mutable and isinstance(arguments[0], OuterProduct):
            raise TypeError(
                f"{operation} would write into the gradient of a streaming layer, which is kept as outer products "
                "and never formed; step with StreamingAdam, or build the updater with streaming=False."
            )
        formed = tree_map(
            lambda part: part.dense() if isinstance(part, OuterProduct) else part, (arguments, options)
        )
        return operation(*formed[0], **(formed[1] or {}))


def _same(matrix: OuterProduct, *_: Any) -> OuterProduct:
    return OuterProduct(matrix.left, matrix.right)


def _sum(one: Any, other: Any) -> OuterProduct | None:
    if not (isinstance(one, OuterProduct) and isinstance(other, OuterProduct)):
        return None
    return OuterProduct(torch.cat([one.left, other.left]), torch.cat([one.right, other.right]))


def _scale(matrix: OuterProduct, factor: Any) -> OuterProduct | None:
    if isinstance(factor, Tensor) and factor.dim():
        return None
    matrix.left = matrix.left * factor
    return matrix


def _norm(matrix: OuterProduct, order: float = 2, *rest: Any) -> Tensor | None:
    """||G||_F^2 = sum_ij <left_i, left_j> <right_i, right_j>, which for one product is |left|^2 |right|^2."""
    if order != 2 or rest:
        return None
    if len(matrix.left) == 1:
        length: Tensor = torch.linalg.vector_norm(matrix.left) * torch.linalg.vector_norm(matrix.right)
        return length
    squared: Tensor = (matrix.left @ matrix.left.T * (matrix.right @ matrix.right.T)).sum()
    return squared.clamp_min(0).sqrt()


_aten = torch.ops.aten
_KEEPING: dict[Any, Callable[..., Tensor | None]] = {
    _aten.detach.default: _same,
    _aten.clone.default: _same,
    _aten.add.Tensor: _sum,
    _aten.mul_.Tensor: _scale,
    _aten.linalg_vector_norm.default: _norm,
}


class StreamingLinear(nn.Linear):
    """y = W x + b, whose weight's gradient is the outer product of what goes out backward and what came in.

    In all else it is `torch.nn.Linear`. n instances give n products, so it pays while n is small beside the
    layer's width.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, in_features) to (n, out_features)."""
        result: Tensor = _Linear.apply(x, self.weight, self.bias)
        return result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        delta = delta.to(weight.dtype)  # autocast may have computed in another
        to_x, to_weight, to_bias = ctx.needs_input_grad
        return (
            delta @ weight if to_x else None,
            OuterProduct(delta, x.to(weight.dtype)) if to_weight else None,
            delta.sum(0) if to_bias else None,
        )
