"""Inner variables: one tensor, or a tuple of tensors such as the pair (x, y) of a game.

Every leaf has the instances along its first dimension, so a tree of n instances is n independent inner variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Tree = Tensor | tuple[Tensor, ...]


def leaves(tree: Tree) -> tuple[Tensor, ...]:
    """The tensors of a tree, in order."""
    return (tree,) if isinstance(tree, Tensor) else tree


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
