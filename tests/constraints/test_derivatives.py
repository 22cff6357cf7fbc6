"""A projection's derivative is what phi's gradient runs through: finite differences find the same."""

import pytest
import torch
from specimens import Quadratic

from minimax_l2l import Box, L2Ball, LearnedOptimizer, LinfBall, MLPUpdater, Simplex
from minimax_l2l.constraints import Constraint

DOUBLE = {"dtype": torch.float64}
LOW, HIGH = -torch.rand(4, 6, **DOUBLE), torch.rand(4, 6, **DOUBLE)
SETS = {
    "L2": L2Ball(0.8),
    "L2 and a box": L2Ball(0.8) & Box(LOW, HIGH),
    "L2 and a wide box": L2Ball(0.8) & Box(-5.0, 5.0),
    "L2 and L_inf": L2Ball(0.8) & LinfBall(0.4),
    "L2 and two boxes": L2Ball(0.8) & LinfBall(0.4) & Box(LOW, HIGH),
    "L_inf and a box": LinfBall(0.4) & Box(LOW, HIGH),
    "box": Box(LOW, HIGH),
    "simplex": Simplex(),
}


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", SETS)
def test_a_projections_derivative_is_its_own(name, size):
    generator = torch.Generator().manual_seed(3)
    y = (size * torch.randn(4, 6, generator=generator, **DOUBLE)).requires_grad_()
    assert torch.autograd.gradcheck(SETS[name].project, (y,), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("constraint", [L2Ball(0.6) & Box(-0.1, 0.4), L2Ball(0.6) & LinfBall(0.3), L2Ball(0.6)])
def test_phis_gradient_through_sets_that_meet(constraint):
    """Steps that are longer than the set, so that most of what phi feels has gone through the projection."""
    torch.manual_seed(0)
    optimizer = LearnedOptimizer(MLPUpdater(hidden=(4,)), steps=1).double()
    for weight in optimizer.parameters():
        torch.nn.init.normal_(weight, std=2.0)
    problem = Quadratic(torch.randn(3, 5, **DOUBLE), constraint=constraint)

    def value():
        return problem.objective(optimizer.maximize(problem).y).mean()

    gradients = torch.autograd.grad(value(), list(optimizer.parameters()))
    slopes = []
    for weight, gradient in zip(optimizer.parameters(), gradients, strict=True):
        direction = torch.randn_like(weight)
        with torch.no_grad():
            ends = []
            for sign in (1, -1):
                weight += sign * 1e-6 * direction
                ends.append(value())
                weight -= sign * 1e-6 * direction
        slopes.append(((gradient * direction).sum().item(), ((ends[0] - ends[1]) / 2e-6).item()))
    assert max(abs(slope) for slope, _ in slopes) > 1e-3
    for slope, wanted in slopes:
        assert slope == pytest.approx(wanted, rel=1e-4, abs=1e-7)


def by_bisection(y, eps, low, high):
    """The largest s in [0, 1] with ||clamp(s y)|| <= eps, slowly."""
    small, large = torch.zeros(len(y), 1, **DOUBLE), torch.ones(len(y), 1, **DOUBLE)
    for _ in range(80):
        middle = (small + large) / 2
        fits = (middle * y).clamp(low, high).norm(dim=1, keepdim=True) <= eps
        small, large = torch.where(fits, middle, small), torch.where(fits, large, middle)
    whole = y.clamp(low, high)
    return torch.where(whole.norm(dim=1, keepdim=True) <= eps, whole, (small * y).clamp(low, high))


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0, 1e4])
@pytest.mark.parametrize("eps", [0.05, 0.5, 1.5])
def test_a_ball_and_a_box_meet_where_a_bisection_finds_them(size, eps):
    generator = torch.Generator().manual_seed(1)
    y = size * torch.randn(200, 12, generator=generator, **DOUBLE)
    low = -torch.rand(200, 12, generator=generator, **DOUBLE)
    high = torch.rand(200, 12, generator=generator, **DOUBLE)
    low[::3, ::2], high[::4, 1::2], y[::5, :3] = 0.0, torch.inf, 0.0  # bounds at zero, none at all, and zeros
    found = (L2Ball(eps) & Box(low, high)).project(y)
    torch.testing.assert_close(found, by_bisection(y, eps, low, high), rtol=1e-7, atol=1e-9)


def test_single_precision_stays_in_the_ball():
    y = 3 * torch.randn(50, 3, 16, 16)
    both = L2Ball(0.5) & Box(-torch.rand_like(y), torch.rand_like(y))
    assert both.violation(both.project(y)).max() < 1e-6


def test_an_instance_with_nan_touches_no_other():
    for constraint in (*SETS.values(), L2Ball(0.8) & Simplex()):
        y = torch.randn(4, 6, **DOUBLE)
        spoiled = y.clone()
        spoiled[1, 2] = torch.nan
        alone, beside = constraint.project(y), constraint.project(spoiled)
        others = [0, 2, 3]
        torch.testing.assert_close(beside[others], alone[others])
        assert beside[1].isnan().any()


@pytest.mark.parametrize(
    "constraint", [Simplex(), L2Ball(1.0), LinfBall(1.0), Box(0.0, 1.0), L2Ball(1.0) & Box(0, 1)]
)
def test_numbers_without_an_instance_dimension_are_refused(constraint: Constraint):
    with pytest.raises(ValueError, match=r"add (that|a) dimension"):
        constraint.project(torch.tensor(0.5))


def test_a_simplex_needs_instances():
    with pytest.raises(ValueError, match=r"shape \(n, k\), got shape \(3,\)"):
        Simplex().project(torch.tensor([0.2, 0.9, 0.4]))
