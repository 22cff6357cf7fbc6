"""Published functions f(x, y) of one number for each player."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def _psi(x: Tensor) -> Tensor:  # whose derivative is x / 2 - 2 x^3 + x^5
    return x**2 / 4 - x**4 / 2 + x**6 / 6


def _global_psi(x: Tensor) -> Tensor:  # whose derivative is 2 x / 3 - 4 x^3 / 3 + 4 x^5 / 7
    return x**2 / 3 - x**4 / 3 + 2 * x**6 / 21


def func2(x: Tensor, y: Tensor) -> Tensor:
    """Bilinear but for a bump."""
    return (x - 0.5) * (y - 0.5) + torch.exp(-((x - 0.25) ** 2) - (y - 0.75) ** 2) / 3


def func3(x: Tensor, y: Tensor) -> Tensor:
    """A ridge that bends, around which gradient play circles."""
    inner = 4 * x**2 - (y - 3 * x + 0.05 * x**3) ** 2 - 0.1 * y**4
    return inner * torch.exp(-0.01 * (x**2 + y**2))


def func4(x: Tensor, y: Tensor) -> Tensor:
    """A quartic in y, with a Nash equilibrium and two points that only look like one."""
    return 2 * x**2 + y**2 + 4 * x * y + 4 / 3 * y**3 - y**4 / 4


def func5(x: Tensor, y: Tensor) -> Tensor:
    """A cubic in x, and convex in y, which has no highest point."""
    return x**3 / 3 + y**2 + 2 * x * y - 6 * x - 3 * y + 4


def func6(x: Tensor, y: Tensor) -> Tensor:
    """Cubics in both, without a minimax point."""
    return x**3 - y**3 - 2 * x * y + 6


def forsaken(x: Tensor, y: Tensor) -> Tensor:
    """Two wells and two hills around a point that repels y: play cycles."""
    return _psi(x) - _psi(y) + x * y - 0.45 * x


def global_forsaken(x: Tensor, y: Tensor) -> Tensor:
    """The same with one equilibrium, and a cycle around it."""
    return _global_psi(x) - _global_psi(y) + x * y


def two_sided(x: Tensor, y: Tensor) -> Tensor:
    """A game of which neither side is convex, but both are Polyak-Lojasiewicz."""
    squares = x.sin().square(), y.sin().square()
    return x**2 + 3 * squares[0] * squares[1] - 4 * y**2 - 10 * squares[1]


def hidden_pennies(x: Tensor, y: Tensor) -> Tensor:
    """Matching pennies, where each player chooses the log-odds of heads."""
    return torch.tanh(x / 2) * torch.tanh(y / 2)


def weak_interaction(x: Tensor, y: Tensor) -> Tensor:
    """Two wells against two hills, which the product xy hardly joins."""
    return (x**2 - 1) * (x**2 - 9) + x * y - (y**2 - 1) * (y**2 - 9)


def dirac_gan(x: Tensor, y: Tensor) -> Tensor:
    """A GAN whose data are all zero: the generator's number x, and a discriminator of slope y."""
    return logsigmoid(x * y) - math.log(2)


def coherent(x: Tensor, y: Tensor) -> Tensor:
    """Not convex in x or concave in y, but in [-1, 1]^2 small gradient steps never lead away from the origin."""
    return (x**4 * y**2 + x**2 + 1) * (x**2 * y**4 - y**2 + 1)
