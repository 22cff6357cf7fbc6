"""The limit cycle of f = xy: gradient play leaves or circles, a learned optimizer settles."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LinearLR, LRScheduler

from minimax_l2l import GradientFeatures, InnerOptimizer, LearnedOptimizer, RNNUpdater, Task, Tree, leaves
from minimax_l2l.errors import require_a, require_count, require_finite, require_seed, told
from tasks.games.families.bilinear import BilinearGame

Games = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class LimitCycle(Task):
    """Learn to settle random games a (x - p)(y - q), and then play games that were never trained on.

    There is no theta: both players are the inner variable. Phi ascends minus the log of the norm of the field, the
    vector of both players' gradients, at the end of an unroll; it learns from the last 16 steps. Strengths are
    drawn from [0.5, 0.9] and [1.1, 2], and solutions from the square [-2, 2]^2 without a cross of width 0.2. So
    f = xy itself (a = 1, p = q = 0) is never among them.

    Source: the paper's Appendix D, whose circle is that of the continuous flow; see `spiral_factor`.

    Args:
        iterations: meta-training steps.
        games: n, how many games a batch has.
        seed: of the games drawn.
    """

    def __init__(self, *, iterations: int = 250, games: int = 64, seed: int = 0) -> None:
        self.iterations = require_count("iterations", iterations)
        self.games = require_count("games", games, least=1)
        self.seed = require_seed("seed", seed)

    def batches(self) -> Iterator[Games]:
        """Games (a, p, q) and their starts (x_0, y_0)."""
        generator = torch.Generator().manual_seed(self.seed)

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(self.games, generator=generator)

        def away_from_zero(low: float, high: float) -> Tensor:
            return uniform(low, high) * torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)

        for _ in range(self.iterations or 0):
            weak = uniform(0, 1) < 0.3
            a = torch.where(weak, uniform(0.5, 0.9), uniform(1.1, 2.0))
            p, q = away_from_zero(0.1, 2.0), away_from_zero(0.1, 2.0)
            yield a, p, q, p + away_from_zero(0.1, 2.0), q + away_from_zero(0.1, 2.0)

    def inner_problem(self, batch: Games) -> BilinearGame:
        """One batch of games."""
        a, p, q, x, y = batch
        return BilinearGame(a, p, q, (x[:, None], y[:, None]))

    def meta_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Linearly down to a fiftieth: the last corrections are the finest."""
        return LinearLR(optimizer, start_factor=1.0, end_factor=0.02, total_iters=max(self.iterations or 1, 1))

    @staticmethod
    def learned_optimizer(*, steps: int = 48) -> LearnedOptimizer:
        """A recurrent optimizer that sees only the direction of its own gradient, coordinate by coordinate.

        Updates are relative to the field's norm, so they shrink near the solution. Phi receives second derivatives,
        because in a game it matters what a step does to the next gradient.
        """
        return LearnedOptimizer(
            RNNUpdater(inputs=1, hidden=16, gain=0.3),
            steps=steps,
            features=GradientFeatures(iterate=False),
            truncate=16,
            second_order=True,
            relative=True,
            max_relative_step=None,
            learning_rate=5e-3,
            weight_decay=0.0,
            clip_norm=1.0,
        )


def orbit(
    optimizer: InnerOptimizer,
    *,
    steps: int,
    start: tuple[float, float] = (1.0, 0.0),
    a: float = 1.0,
    solution: tuple[float, float] = (0.0, 0.0),
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Play one game a (x - p)(y - q) and record where both players go.

    No player is reset between steps. If y were set back to zero, plain ascent would converge too.

    Args:
        optimizer: its own number of steps is ignored.
        steps: how many to take.
        start: (x_0, y_0).
        a: the game's strength; 1 with a solution at the origin is f = xy.
        solution: (p, q).
        dtype: of the iterates; a learned optimizer is run in its own.

    Returns:
        Tensor of shape (steps + 1, 2), the pairs (x_k, y_k).
    """
    advice = "pass one such as GradientAscent(steps=1, step_size=0.1)"
    require_a("optimizer", optimizer, InnerOptimizer, "an inner optimizer", advice)
    require_count("steps", steps)
    start, solution, a = _pair("start", start), _pair("solution", solution), require_finite("a", a)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be one of floating-point numbers, got {told(dtype)}; pass torch.float64.")
    for parameter in optimizer.parameters():
        dtype = parameter.dtype
    device = next((parameter.device for parameter in optimizer.parameters()), torch.device("cpu"))
    a_, p, q, x, y = (torch.tensor([v], dtype=dtype, device=device) for v in (a, *solution, *start))
    problem = BilinearGame(a_, p, q, (x[:, None], y[:, None]))
    problem.watched = True  # by whoever is shown the path, which may well leave for infinity
    path: list[Tensor] = []

    def keep(_: int, pair: Tree) -> None:
        path.append(torch.cat(leaves(pair), dim=1)[0].cpu())

    with torch.no_grad():
        optimizer.maximize(problem, steps=steps, observe=keep)
    return torch.stack(path)


def spiral_factor(step_size: float, a: float = 1.0) -> float:
    """sqrt(1 + (a eta)^2): by what simultaneous gradient play multiplies its distance to the solution.

    One step is (x, y) <- (x - eta a y, y + eta a x), a rotation times this factor; alternating play has
    determinant 1 instead and stays on an ellipse.
    """
    return math.hypot(1, require_finite("a", a) * require_finite("step_size", step_size))


def _pair(name: str, values: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(values, list | tuple) or len(values) != 2:
        raise TypeError(f"{name} must be a pair of numbers, got {told(values)}; pass for instance (1.0, 0.0).")
    first, second = (require_finite(name, value) for value in values)
    return first, second
