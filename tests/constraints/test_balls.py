"""Balls: radii that make sense, and random points that are uniform."""

import math

import pytest
import torch

from minimax_l2l import L2Ball, LinfBall


def test_projections_by_hand():
    y = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    torch.testing.assert_close(LinfBall(0.35).project(y), torch.tensor([[0.35, -0.35], [0.3, 0.35]]))
    torch.testing.assert_close(L2Ball(1.0).project(y), torch.tensor([[0.6, -0.8], [0.3, 0.4]]))


@pytest.mark.parametrize("ball", [LinfBall(0.4), L2Ball(0.4)])
def test_instances_without_dimensions_are_numbers(ball):
    y = torch.tensor([0.1, -3.0])
    torch.testing.assert_close(ball.project(y), torch.tensor([0.1, -0.4]))
    torch.testing.assert_close(ball.violation(y), torch.tensor([0.0, 2.6]))
    assert ball.violation(ball.sample(torch.rand(2))).max() <= 1e-6


def test_the_projection_on_a_ball_has_its_own_derivative():
    y = torch.randn(4, 2, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(L2Ball(1.0).project, y)
    assert torch.autograd.gradgradcheck(L2Ball(1.0).project, y)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_samples_of_the_ball_are_uniform(dimension):
    """Of a uniform point (|y| / eps)^d is uniform, and the direction is uniform and independent of it."""
    generator = torch.Generator().manual_seed(4)
    noise = torch.rand(20_000, dimension, generator=generator, dtype=torch.float64)
    y = L2Ball(2.0).sample(noise)
    share = (y.norm(dim=1) / 2) ** dimension
    counts = torch.histc(share, bins=10, min=0, max=1) / len(y)
    assert (counts * 10 - 1).abs().max() < 0.1
    direction = y / y.norm(dim=1, keepdim=True)
    assert direction.mean(0).abs().max() < 0.03
    assert (direction * (share - 0.5)[:, None]).mean(0).abs().max() < 0.01
    pairs = torch.einsum("ni,nj,n->ij", direction, direction, share - 0.5) / len(y)
    assert pairs.abs().max() < 0.01


@pytest.mark.parametrize("make", [LinfBall, L2Ball])
@pytest.mark.parametrize("eps", [0.0, -0.1, math.inf, math.nan])
def test_a_radius_that_is_not_above_zero_is_refused(make, eps):
    with pytest.raises(ValueError, match="eps must be a finite number above 0"):
        make(eps)


@pytest.mark.parametrize("make", [LinfBall, L2Ball])
def test_a_radius_that_is_no_number_is_refused(make):
    with pytest.raises(TypeError, match="eps must be a number, got str"):
        make("0.1")
