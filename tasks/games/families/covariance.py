"""Learning a covariance by a game: a root of it against a matrix of weights."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from minimax_l2l.errors import require_a
from tasks.games.game import Game, require_kinds, require_shaped
from tasks.games.kinds import MINIMAX, Kind


class CovarianceGame(Game):
    """f(V, W) = <W, V V' - Sigma>: n games. V, which descends, makes a covariance, and W weighs where it is wrong.

    The solutions are V V' = Sigma with W + W' = 0, as many as there are rotations.

    Args:
        start: V and W, each flattened: two tensors of shape (n, d^2).
        covariance: Sigma, symmetric and positive definite, shape (n, d, d).

    Raises:
        TypeError: if one is no tensor.
        ValueError: if one has another shape or dtype, or Sigma is not symmetric and positive definite.

    Source: Schaefer and Anandkumar, "Competitive gradient descent", 2019.
    """

    def __init__(self, start: tuple[Tensor, Tensor], covariance: Tensor) -> None:
        super().__init__(start)
        advice = "pass one of shape (n, d, d) for a start of two tensors of shape (n, d^2)"
        require_a("covariance", covariance, Tensor, "a tensor", advice)
        shape, shapes = tuple(covariance.shape), [tuple(leaf.shape) for leaf in start]
        if len(shape) != 3 or shape[1] != shape[2] or shapes != [(shape[0], shape[1] ** 2)] * 2:
            raise ValueError(f"covariance has shape {shape} beside a start of shapes {shapes}; {advice}.")
        self.covariance = require_shaped("covariance", covariance, start[0], *shape)
        if not torch.allclose(covariance, covariance.mT) or bool((torch.linalg.eigvalsh(covariance) <= 0).any()):
            raise ValueError("covariance must be symmetric and positive definite; pass root @ root.mT, say.")

    def objective(self, y: Tree) -> Tensor:
        """f(V, W), shape (n,)."""
        root, weights = (leaf.view_as(self.covariance) for leaf in leaves(y))
        return (weights * (root @ root.mT - self.covariance)).sum((1, 2))

    def stationary(self) -> Tensor:
        """The symmetric root of Sigma beside W = 0, shape (n, 1, 2 d^2); the other solutions are like it."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root = vectors @ (values.sqrt()[:, :, None] * vectors.mT)
        return torch.cat([root.flatten(1), torch.zeros_like(root).flatten(1)], dim=1)[:, None]

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """sqrt(||V V' - Sigma||^2 + ||(W + W') / 2||^2), shape (n,), which is zero at the solutions alone.

        They are Nash equilibria, and nothing else counts.
        """
        root, weights = (leaf.view_as(self.covariance) for leaf in self.pair(self.point(pair)))
        off = torch.linalg.matrix_norm(root @ root.mT - self.covariance)
        away = torch.hypot(off, torch.linalg.matrix_norm(weights + weights.mT) / 2)
        return away if Kind.NASH in require_kinds(kinds) else torch.full_like(away, torch.inf)
