"""Small problems whose answers are known, shared by the tests."""

import torch
from torch import Tensor, nn

from minimax_l2l import Free, InnerOptimizer, InnerProblem
from tasks.adversarial import ImageData, Images


class Quadratic(InnerProblem):
    """f_i(y) = -1/2 sum_j curvature_j (y_ij - centre_ij)^2: its gradient is curvature (centre - y)."""

    def __init__(self, centre: Tensor, curvature: Tensor | float = 1.0, *, start=None, constraint=None) -> None:
        self.centre, self.curvature = centre, curvature
        self.start = torch.zeros_like(centre) if start is None else start
        self.constraint = Free() if constraint is None else constraint

    def initial(self):
        return self.start

    def objective(self, y):
        return -0.5 * (self.curvature * (y - self.centre).square()).flatten(1).sum(1)


class Linear(InnerProblem):
    """f_i(y) = <slope_i, y_i>: its gradient is slope, wherever y is."""

    def __init__(self, slope: Tensor, *, start=None, constraint=None) -> None:
        self.slope = slope
        self.start = torch.zeros_like(slope) if start is None else start
        self.constraint = Free() if constraint is None else constraint

    def initial(self):
        return self.start

    def objective(self, y):
        return (self.slope * y).flatten(1).sum(1)


class Through(InnerProblem):
    """f_i(y) = sum_c module(y)_ic: an objective that runs through a module with parameters."""

    def __init__(self, module: nn.Module, start: Tensor, *, constraint=None) -> None:
        self.module, self.start = module, start
        self.constraint = Free() if constraint is None else constraint

    def initial(self):
        return self.start

    def objective(self, y):
        return self.module(y).sum(1)


def random_images(count: int = 24, *, size: int = 8, classes: int = 3) -> ImageData:
    """Images without meaning, labels in turn, split 2 : 1 : 1."""
    generator = torch.Generator().manual_seed(5)

    def part(n: int) -> Images:
        return Images(torch.rand(n, 1, size, size, generator=generator), torch.arange(n) % classes)

    return ImageData("random", part(count), part(count // 2), part(count // 2), classes=classes, sha256="0" * 64)


def small_classifier(classes: int = 3, *, size: int = 8) -> nn.Sequential:
    """Smooth, with BatchNorm, and one convolution deep: the least that behaves as a classifier of grey images."""
    body = [nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.SiLU(), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(size**2, classes))


class Stepping(InnerOptimizer):
    """A step returns whatever it was given."""

    def __init__(self, answer):
        super().__init__(steps=1)
        self.answer = answer

    def step(self, oracle, y, state):
        return self.answer
