"""Inner variables: one tensor, or a tuple of tensors such as the pair (x, y) of a game.

Every leaf has the instances along its first dimension, so a tree of n instances is n independent inner variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from minimax_l2l.errors import told

Tree = Tensor | tuple[Tensor, ...]


def leaves(tree: Tree) -> tuple[Tensor, ...]:
    """The tensors of a tree, in order; a TypeError if it is none."""
    if isinstance(tree, Tensor):
        return (tree,)
    if not isinstance(tree, tuple) or not all(isinstance(leaf, Tensor) for leaf in tree):
        within = f" of {', '.join(map(told, tree))}" if isinstance(tree, tuple) else ""
        raise TypeError(
            f"the inner variable y must be a tensor or a tuple of tensors, got {type(tree).__name__}{within}; make "
            "it with torch.as_tensor(...)."
        )
    return tree


def require_inner(tree: Tree) -> Tree:
    """What can be an inner variable: some real floating-point numbers in memory, of one dtype, on one device.

    Raises:
        TypeError: if it is no tree of tensors.
        ValueError: if a leaf is something else, or leaves disagree, also in how many instances they hold.
    """
    if not instances(tree):
        shapes = [tuple(leaf.shape) for leaf in leaves(tree)]
        raise ValueError(
            f"the inner variable y holds no instance, got shapes {shapes}; leave out batches without instances."
        )
    for leaf in leaves(tree):
        if leaf.dim() == 1:
            raise ValueError(
                "each tensor of the inner variable y needs a dimension behind that of its instances, got shape "
                f"{tuple(leaf.shape)}; make it y[:, None], of shape (n, 1), where an instance has one number."
            )
        require_numbers_in(leaf)
        require_real(leaf)
    kinds = {(str(leaf.dtype), str(leaf.device)) for leaf in leaves(tree)}
    if len(kinds) > 1:
        raise ValueError(
            f"the leaves of the inner variable y need one dtype and one device, got "
            f"{', '.join(' on '.join(kind) for kind in sorted(kinds))}; convert them with y.to(...)."
        )
    return tree


def require_numbers_in(y: Tensor) -> Tensor:
    """A tensor whose instances hold at least one number each; else a ValueError. There may be no instances."""
    if 0 in y.shape[1:]:
        raise ValueError(
            f"each instance of the inner variable y needs at least one number, got shape {tuple(y.shape)}; make "
            "initial() return what is to be maximised over, shape (n, k) with k >= 1."
        )
    return y


def require_real(y: Tensor) -> Tensor:
    """A dense tensor of floating-point numbers that is in memory; else a ValueError."""
    narrow = y.is_floating_point() and y.dtype.itemsize == 1  # float8, which torch stores and does not reckon with
    if not y.is_floating_point() or narrow or y.layout is not torch.strided or y.is_meta:
        got = "a tensor without memory" if y.is_meta else f"{y.dtype} with layout {y.layout}"
        raise ValueError(
            f"the inner variable y must hold floating-point numbers in a dense tensor, got {got}; convert it with "
            "y.to_dense() or y.float(), or make it on a device that has memory."
        )
    return y


def forms(tree: Tree) -> list[tuple[tuple[int, ...], torch.dtype, torch.device]]:
    """Shape, dtype and device of each leaf, which no device is waited for to tell."""
    return [(tuple(leaf.shape), leaf.dtype, leaf.device) for leaf in leaves(tree)]


def rebuild(like: Tree, parts: Sequence[Tensor]) -> Tree:
    """Put tensors back into the shape of the tree `like`."""
    return parts[0] if isinstance(like, Tensor) else tuple(parts)


def map_leaves(function: Callable[..., Tensor], tree: Tree, *others: Tree) -> Tree:
    """Apply `function` leaf by leaf to one or several trees of the same shape."""
    return rebuild(tree, [function(*parts) for parts in zip(*map(leaves, (tree, *others)), strict=True)])


def instances(tree: Tree) -> int:
    """How many independent instances a tree holds; a ValueError if a leaf holds none or leaves disagree."""
    sizes = {leaf.shape[0] if leaf.dim() else None for leaf in leaves(tree)}
    if len(sizes) != 1 or None in sizes:
        shapes = [tuple(leaf.shape) for leaf in leaves(tree)]
        raise ValueError(
            f"every leaf of the inner variable needs the instances along its first dimension, got shapes "
            f"{shapes}; add a leading dimension (of size 1 for a single instance)."
        )
    return int(sizes.pop() or 0)


def ravel(tree: Tree) -> Tensor:
    """One tensor of shape (n, *event): the leaf itself, or all leaves flattened side by side."""
    if isinstance(tree, Tensor):
        return tree
    return torch.cat([leaf.flatten(1) if leaf.dim() > 1 else leaf[:, None] for leaf in tree], dim=1)


def unravel(flat: Tensor, like: Tree) -> Tree:
    """The inverse of `ravel` for trees shaped as `like`."""
    if isinstance(like, Tensor):
        return flat
    widths = [leaf[0].numel() for leaf in like]
    parts = torch.split(flat, widths, dim=1)
    return tuple(part.view_as(leaf) for part, leaf in zip(parts, like, strict=True))


def largest(tree: Tree) -> Tensor:
    """max_j |y_j| over all leaves, one number; 0 of none."""
    parts = [leaf.detach() for leaf in leaves(tree)]
    return torch.stack([part.abs().amax() if part.numel() else part.new_zeros(()) for part in parts]).amax()


def shifted(tree: Tree, length: float, direction: Tree) -> Tree:
    """The point tree + length * direction."""
    return map_leaves(lambda start, step: start + length * step, tree, direction)


def detach(tree: Tree) -> Tree:
    """The same values, cut from the graph."""
    return map_leaves(Tensor.detach, tree)


def choose(mask: Tensor, yes: Tree, no: Tree) -> Tree:
    """Instance by instance, `yes` where `mask` of shape (n,) is true and `no` elsewhere."""
    return map_leaves(lambda a, b: torch.where(per_instance(mask, a), a, b), yes, no)


def per_instance(values: Tensor, like: Tensor) -> Tensor:
    """View n numbers so that they broadcast over a leaf of shape (n, *event)."""
    return values.view(-1, *([1] * (like.dim() - 1)))
