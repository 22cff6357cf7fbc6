"""Adversarial weight perturbation: theta is judged where a small step of its weights hurts most."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from minimax_l2l import Hook, InnerProblem, Iterate, Task, leaves, map_leaves, querying
from minimax_l2l.errors import require_a, require_positive
from minimax_l2l.training.processes import mean_over_all


class WeightPerturbation(Hook):
    """Both players' numbers are computed at w_l + gamma ||w_l|| g_l / ||g_l||, g_l = d outer / d w_l at y_K.

    Then every layer is put back, bit for bit, before theta moves. Layers are weights with two dimensions or more;
    biases and normalisations stay. It costs the passes of the outer loss once more, which are counted, and a copy
    of the weights. Running statistics do not see it. It goes with every attacker and every outer loss.

        task.solve(PGM(steps=10, step_size=0.25 * eps), hooks=[WeightPerturbation(task)])

    Source: Wu et al., Adversarial Weight Perturbation Helps Robust Generalization, 2020, with one step. The authors
    take gamma = 0.005 with the loss of TRADES and 0.01 with cross-entropy.

    Args:
        task: the game that is solved, whose `losses` says what hurts.
        gamma: how far each layer moves, in its own length.

    Raises:
        TypeError: if an argument is of another kind.
        ValueError: if gamma is not positive, or, when a run begins, if there is nothing to move.
    """

    def __init__(self, task: Task, gamma: float = 0.005) -> None:
        self.task = require_a("task", task, Task, "the task that is solved", "pass the same one")
        self.gamma = require_positive("gamma", gamma)
        self._moved: list[tuple[nn.Parameter, Tensor]] = []

    def begin(self, theta: nn.Module | None) -> None:
        """Find the layers.

        Raises:
            ValueError: if the run is another task's, or theta has none.
        """
        if theta is not self.task.outer:
            raise ValueError("WeightPerturbation was made for another task; make it from the one that is solved.")
        weights = list(theta.parameters()) if theta is not None else []
        self._layers = [weight for weight in weights if weight.requires_grad and weight.dim() > 1]
        if not self._layers:
            raise ValueError("WeightPerturbation finds no weights of two dimensions or more; leave the hook out.")

    def found(self, problem: InnerProblem, end: Iterate) -> None:
        """Move the weights."""
        theta, y = self.task.outer, map_leaves(Tensor.detach, end.y)
        with querying(theta, "train", frozen=False):
            outer = problem.count(lambda: self.task.losses(problem, y), len(leaves(y)[0]), theta=theta).outer
            assert outer is not None
            slopes = torch.autograd.grad(outer, self._layers, materialize_grads=True)
        self._moved = [(weight, weight.detach().clone()) for weight in self._layers]
        with torch.no_grad():
            for weight, slope in zip(self._layers, map(mean_over_all, slopes), strict=True):
                length = slope.norm().clamp_min(torch.finfo(slope.dtype).tiny)
                weight.add_(self.gamma * weight.norm() / length * slope)

    def differentiated(self) -> None:
        """Put them back."""
        with torch.no_grad():
            for weight, was in self._moved:
                weight.copy_(was)
        self._moved = []
