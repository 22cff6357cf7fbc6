"""L-BFGS on a batch of independent inner problems: each instance has its own curvature and its own step."""

from __future__ import annotations

import torch
from torch import Tensor

from minimax_l2l.errors import require_count, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, choose, per_instance, ravel, shifted, unravel


class LBFGS(InnerOptimizer):
    """Limited-memory quasi-Newton ascent with projection and backtracking.

    d_k = H_k g_k by the two-loop recursion over the last `memory` pairs (s, g_old - g_new) of positive
    curvature; y_{k+1} = project(y_k + t d_k), t halved, instance by instance, until the objective rises by
    1e-4 <g, y_{k+1} - y_k> (Nocedal and Wright, Numerical Optimization, chapters 3 and 7). An instance
    whose step finds no rise stays where it is. torch.optim.LBFGS is not used because it treats the whole
    batch as one vector, which lets instances share curvature.

    Args:
        steps: K; each costs one gradient query and at least one forward.
        step_size: length of the first step, in units of y; later ones start at t = 1.
        memory: how many pairs are kept.
        backtracks: most halvings of t.
        random_start: see `InnerOptimizer`.
    """

    def __init__(
        self,
        *,
        steps: int,
        step_size: float,
        memory: int = 5,
        backtracks: int = 8,
        random_start: float = 0.0,
    ) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.memory = require_count("memory", memory, least=1)
        self.backtracks = require_count("backtracks", backtracks)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One quasi-Newton step; the state is (last y, last gradient, s_1, d_1, s_2, d_2, ...), flat."""
        value, gradient = oracle.value_and_gradient(y)
        value = oracle.merit(value.detach())
        point, slope = ravel(y).flatten(1), ravel(gradient).flatten(1)
        if state:
            require_state(self, state, [point] * max(2, len(state) // 2 * 2))
            state = (*state[2:], point - state[0], state[1] - slope)[-2 * self.memory :]
        heading = self._two_loop(slope, state)
        moved = self._backtrack(oracle, y, value, slope, heading)
        # No step is tried uphill of NaN: an instance that could not move has not been maximised.
        lost = unravel((0 * slope).view_as(ravel(y)), y)
        return shifted(moved, 1.0, lost), (point, slope, *state)

    def _two_loop(self, slope: Tensor, pairs: State) -> Tensor:
        norm = torch.linalg.vector_norm(slope, dim=1, keepdim=True)
        first = torch.full_like(norm, self.step_size).div(norm.clamp_min(1e-30))
        moves, changes = pairs[0::2], pairs[1::2]
        if not moves:
            return slope * first
        curvatures = [_dot(s, d) for s, d in zip(moves, changes, strict=True)]
        # An instance skips the pairs along which its objective was not concave.
        inverses = [torch.where(c > 1e-10, 1 / c.clamp_min(1e-10), 0.0) for c in curvatures]
        q, weights = slope, []
        for s, d, rho in zip(reversed(moves), reversed(changes), reversed(inverses), strict=True):
            weight = rho * _dot(s, q)
            weights.append(weight)
            q = q - weight * d
        last = curvatures[-1]
        scale = torch.where(last > 1e-10, last / _dot(changes[-1], changes[-1]).clamp_min(1e-30), 0.0)
        q = torch.where(scale > 0, scale, first) * q
        for s, d, rho, weight in zip(moves, changes, inverses, reversed(weights), strict=True):
            q = q + s * (weight - rho * _dot(d, q))
        return torch.where(_dot(q, slope) > 0, q, first * slope)

    def _backtrack(self, oracle: Oracle, y: Tree, value: Tensor, slope: Tensor, heading: Tensor) -> Tree:
        project = oracle.problem.constraint.project
        origin = ravel(y)
        length = torch.ones_like(value)
        for _ in range(self.backtracks + 1):
            moved = origin + per_instance(length, origin) * heading.view_as(origin)
            candidate = project(unravel(moved, y))
            rise = _dot(slope, (ravel(candidate) - origin).flatten(1))[:, 0]
            enough = oracle.merit(oracle.value(candidate)) >= value + 1e-4 * rise
            if bool(enough.all()):
                return candidate
            length = torch.where(enough, length, length / 2)
        return choose(enough, candidate, y)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(1, keepdim=True)
