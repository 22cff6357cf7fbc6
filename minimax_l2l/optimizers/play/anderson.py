"""Anderson mixing: the combination of the last steps whose residuals cancel best."""

from __future__ import annotations

import torch

from minimax_l2l.errors import require_count, require_positive
from minimax_l2l.iterate import State
from minimax_l2l.optimizers.base import InnerOptimizer
from minimax_l2l.optimizers.handover import require_state
from minimax_l2l.oracle import Oracle
from minimax_l2l.trees import Tree, ravel, unravel


class AndersonMixing(InnerOptimizer):
    """y_{k+1} = project(y_k + r_k - (dY + dR) c), r_k = step_size * g(y_k), c = argmin |r_k - dR c|.

    The columns of dY and dR are the last differences of iterates and of residuals. Where the gradient is affine and
    the memory holds all steps, it is GMRES. It goes wherever the gradient is zero, also to points that no player
    wants. A step costs one gradient.

    Args:
        steps: K.
        step_size: of the gradient steps that are mixed, in units of y over units of the gradient.
        memory: how many differences are kept.
        random_start: see `InnerOptimizer`.

    Source: He et al., "GDA-AM: on the effectiveness of solving minimax optimization via Anderson mixing", 2022;
    Anderson, 1965.
    """

    def __init__(self, *, steps: int, step_size: float = 0.05, memory: int = 10, random_start: float = 0.0) -> None:
        super().__init__(steps=steps, random_start=random_start)
        self.step_size = require_positive("step_size", step_size)
        self.memory = require_count("memory", memory, least=1)

    def step(self, oracle: Oracle, y: Tree, state: State) -> tuple[Tree, State]:
        """One step; the state is the differences, columns of shape (n, d, m), and the last iterate and residual."""
        here = ravel(y).flatten(1)
        residual = self.step_size * ravel(oracle.gradient(y)).flatten(1)
        none = here.new_zeros(*here.shape, 0)
        if state:
            columns = here.new_empty(*here.shape, state[0].shape[-1] if state[0].ndim else 0)
            require_state(self, state, [columns, columns, here, here])
        moves, changes, before, last = state or (none, none, here, residual)
        if state:
            moves = torch.cat([moves, (here - before)[:, :, None]], dim=2)[:, :, -self.memory :]
            changes = torch.cat([changes, (residual - last)[:, :, None]], dim=2)[:, :, -self.memory :]
        size = changes.abs().amax(1, keepdim=True).clamp_min(torch.finfo(here.dtype).tiny)  # squares underflow
        unit = changes / size
        # It makes the equations regular, and keeps y moving where the best mixture is where it is, as on f = xy.
        least = torch.finfo(here.dtype).eps ** (2 / 3)
        gram = unit.mT @ unit + least * torch.eye(unit.shape[2]).to(unit)
        weights = torch.linalg.solve(gram, unit.mT @ residual[:, :, None]) / size.mT
        move = residual - ((moves + changes) @ weights)[:, :, 0]
        moved = unravel((here + move).view_as(ravel(y)), y)
        return oracle.problem.constraint.project(moved), (moves, changes, here, residual)
