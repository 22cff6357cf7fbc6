"""Learning a covariance by a game: the generator's root of it against a matrix of weights."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from minimax_l2l import Tree, leaves
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, Kind


class CovarianceGame(Game):
    """f(V, W) = <W, V V' - Sigma>: V, which descends, makes a covariance, and W weighs where it is wrong; n games.

    The solutions are V V' = Sigma with W + W' = 0: as many as there are rotations.

    Args:
        start: V and W, each flattened: two tensors of shape (n, d^2).
        covariance: Sigma, symmetric and positive, shape (n, d, d).

    Source: Schaefer and Anandkumar, "Competitive gradient descent", 2019.
    """

    def __init__(self, start: tuple[Tensor, Tensor], covariance: Tensor) -> None:
        super().__init__(start)
        self.covariance = covariance

    def objective(self, y: Tree) -> Tensor:
        """f(V, W), shape (n,)."""
        root, weights = (leaf.view_as(self.covariance) for leaf in leaves(y))
        return (weights * (root @ root.mT - self.covariance)).sum((1, 2))

    def stationary(self) -> Tensor:
        """The symmetric root of Sigma beside W = 0, shape (n, 1, 2 d^2)."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root = vectors @ (values.sqrt()[:, :, None] * vectors.mT)
        return torch.cat([root.flatten(1), torch.zeros_like(root).flatten(1)], dim=1)[:, None]

    def distance(self, pair: Tree, kinds: Collection[Kind] = MINIMAX) -> Tensor:
        """sqrt(||V V' - Sigma||^2 + ||(W + W') / 2||^2), which is zero at all solutions; each is a Nash equilibrium."""
        root, weights = (leaf.view_as(self.covariance) for leaf in leaves(pair))
        off = torch.linalg.matrix_norm(root @ root.mT - self.covariance)
        away = torch.hypot(off, torch.linalg.matrix_norm(weights + weights.mT) / 2)
        return away if Kind.NASH in kinds else torch.full_like(away, torch.inf)
