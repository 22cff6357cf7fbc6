"""The simplex: the nearest point by hand, a NaN that stays with its own, uniform random points."""

import math

import pytest
import torch

from minimax_l2l import Simplex


@pytest.mark.parametrize(
    ("y", "projected"),
    [
        ([0.5, 0.5], [0.5, 0.5]),
        ([1.0, 1.0], [0.5, 0.5]),
        ([2.0, 0.0], [1.0, 0.0]),
        ([0.8, 0.4], [0.7, 0.3]),
        ([0.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
        ([1.2, 0.6, -3.0], [0.8, 0.2, 0.0]),
        ([1e8, 0.0, 0.0], [1.0, 0.0, 0.0]),
        ([3e8, 3e8, 0.0], [0.5, 0.5, 0.0]),
        ([-1e8, -1e8, -3e8], [0.5, 0.5, 0.0]),
    ],
)
def test_projections_on_the_simplex_by_hand(y, projected):
    torch.testing.assert_close(Simplex().project(torch.tensor([y])), torch.tensor([projected]))


def test_the_simplex_is_along_the_last_dimension():
    rows = Simplex().project(torch.randn(2, 3, 4))
    torch.testing.assert_close(rows.sum(-1), torch.ones(2, 3))
    assert Simplex().violation(rows).shape == (2,)


def test_the_projection_has_its_own_derivative():
    y = torch.randn(4, 2, 3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(Simplex().project, y)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_nan_passes_on_and_touches_no_other(bad):
    y = torch.randn(3, 2, 4)
    expected = Simplex().project(y)
    y[1, 0, 2] = bad
    got = Simplex().project(y)
    assert got[1, 0].isnan().all()
    assert torch.equal(got[1, 1], expected[1, 1])
    assert torch.equal(got[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize("operation", ["project", "squash", "direction", "violation", "sample"])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_tensor_without_an_instance_dimension_is_refused(shape, operation):
    with pytest.raises(
        ValueError, match=r"Simplex needs a tensor with dimensions \(instances, coordinates\), got shape"
    ):
        getattr(Simplex(), operation)(torch.rand(shape))


def test_samples_of_the_simplex_are_uniform():
    """A coordinate of a uniform point on the simplex of d + 1 = 3 corners has P(y > t) = (1 - t)^2."""
    generator = torch.Generator().manual_seed(4)
    y = Simplex().sample(torch.rand(20_000, 3, generator=generator, dtype=torch.float64))
    for threshold in (0.1, 0.5, 0.8):
        assert ((y > threshold).double().mean(0) - (1 - threshold) ** 2).abs().max() < 0.01


@pytest.mark.parametrize("shape", [(3, 0), (1, 0), (2, 3, 0)])
def test_a_simplex_without_coordinates_is_refused(shape):
    for method in (Simplex().project, Simplex().squash, Simplex().violation, Simplex().sample):
        with pytest.raises(ValueError, match=r"needs at least one number, got shape"):
            method(torch.ones(shape))
    assert Simplex().project(torch.ones(0, 3)).shape == (0, 3)
