"""Bilinear games, the smallest on which gradient play does not settle."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l import Oracle, Tree, leaves
from minimax_l2l.errors import require_a
from tasks.games.game import Game


class BilinearGame(Game):
    """min over x of max over y of a (x - p)(y - q): n independent games with one solution each, (p, q).

    The inner variable is the pair (x, y), x descends and y ascends. Along the field F = (-a (y - q), a (x - p))
    the players circle around (p, q) for ever.

    Args:
        a: strengths, shape (n,).
        p: solutions' x, shape (n,).
        q: solutions' y, shape (n,).
        start: where the pair starts, two tensors of shape (n, 1).
    """

    def __init__(self, a: Tensor, p: Tensor, q: Tensor, start: tuple[Tensor, Tensor]) -> None:
        advice = "pass two tensors of shape (n, 1)"
        require_a("start", start, tuple, "a pair of tensors", advice)
        parts = [("a", a), ("p", p), ("q", q), *(("each of start", leaf) for leaf in start)]
        for name, tensor in parts:
            require_a(name, tensor, Tensor, "a tensor", "pass a number for each game")
        shapes = [tuple(leaf.shape) for leaf in start]
        if a.dim() != 1 or not a.shape == p.shape == q.shape or shapes != [(len(a), 1)] * 2:
            raise ValueError(
                f"n games have a, p and q of shape (n,) and a start of two tensors of shape (n, 1), got "
                f"{[tuple(tensor.shape) for tensor in (a, p, q)]} and {shapes}; {advice}."
            )
        super().__init__(start)
        self.a, self.p, self.q = a, p, q

    def objective(self, y: Tree) -> Tensor:
        """f(x, y) = a (x - p)(y - q), shape (n,)."""
        x, other = leaves(y)
        return self.a * (x[:, 0] - self.p) * (other[:, 0] - self.q)

    def stationary(self) -> Tensor:
        """The solution, shape (n, 1, 2)."""
        return torch.stack([self.p, self.q], dim=1)[:, None]

    def meta_objective(self, y: Tree) -> Tensor:
        """-log ||F(x, y)||, shape (n,): how near to rest the field is.

        Ascending f itself would teach y to run away from x, which makes the spiral worse.
        """
        field = torch.cat(leaves(Oracle(self, second_order=True).gradient(y)), dim=1)
        return -torch.log(torch.linalg.vector_norm(field, dim=1).clamp_min(torch.finfo(field.dtype).tiny))
