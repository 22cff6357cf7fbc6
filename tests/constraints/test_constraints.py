"""Feasible sets: the nearest feasible point, bounded updates with gradients, random points, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minimax_l2l import Box, Free, Intersection, L2Ball, LinfBall, Product, Simplex

CORNERS = torch.tensor([-0.4, -0.1, 0.2]), torch.tensor([0.3, 0.5, 0.2])
SETS = {
    "LinfBall": LinfBall(0.7),
    "L2Ball": L2Ball(0.7),
    "Box": Box(-0.5, 1.5),
    "Box of tensors": Box(*(corner.double() for corner in CORNERS)),
    "Simplex": Simplex(),
    "two boxes": LinfBall(0.4) & Box(-0.2, 1.0),
    "ball and box": L2Ball(0.7) & Box(-0.5, 0.3),
    "ball, box and ball": Intersection(L2Ball(0.7), Box(-0.5, 0.3), LinfBall(0.45)),
}
coordinate = st.floats(-5, 5, allow_nan=False, width=32)
points = st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=4).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


def samples(constraint, count=200):
    generator = torch.Generator().manual_seed(11)
    return constraint.sample(torch.rand(count, 3, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("name", SETS)
@settings(deadline=None, derandomize=True, max_examples=40)
@given(points)
def test_the_projection_is_the_nearest_feasible_point(name, y):
    """It is p exactly if <y - p, z - p> <= 0 for every feasible z."""
    constraint = SETS[name]
    projected = constraint.project(y)
    others = samples(constraint)
    angles = torch.einsum("nd,nmd->nm", y - projected, others[None] - projected[:, None])
    assert angles.max() <= 2e-5
    assert constraint.violation(projected).max() <= 1e-6


@pytest.mark.parametrize("name", SETS)
@settings(deadline=None, derandomize=True, max_examples=40)
@given(points)
def test_projecting_twice_is_projecting_once(name, y):
    once = SETS[name].project(y)
    torch.testing.assert_close(SETS[name].project(once), once, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", SETS)
def test_samples_are_feasible_and_spread(name):
    sampled = samples(SETS[name])
    assert SETS[name].violation(sampled).max() <= 1e-6
    assert (sampled.std(0) > 0.05).sum() >= 2


@pytest.mark.parametrize("name", ["LinfBall", "L2Ball", "Box", "Simplex", "two boxes", "ball and box"])
def test_a_squashed_update_is_bounded_and_has_a_gradient_everywhere(name):
    constraint = SETS[name]
    update = torch.tensor([[0.0, 0.0, 0.0], [0.1, -0.2, 0.3], [3.0, -2.0, 1.0]], dtype=torch.float64)
    update.requires_grad_()
    assert torch.autograd.gradcheck(constraint.squash, update)
    (gradient,) = torch.autograd.grad(constraint.squash(update)[:, 0].sum(), update)
    assert (gradient[:, 0] > 0).all()
    assert constraint.squash(1e6 * update).abs().max() <= 2


def test_squashing_by_hand():
    update = torch.tensor([[3.0, -4.0]])
    torch.testing.assert_close(LinfBall(0.5).squash(update), 0.5 * update.tanh())
    torch.testing.assert_close(L2Ball(0.5).squash(update), 0.5 * update / 26**0.5)
    torch.testing.assert_close(Box(-1.0, 3.0).squash(update), 2 * update.tanh())
    torch.testing.assert_close(Simplex().squash(update), update.tanh() - update.tanh().mean())
    assert Free().squash(update) is update


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


def test_projections_on_balls_and_boxes_by_hand():
    y = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    torch.testing.assert_close(LinfBall(0.35).project(y), torch.tensor([[0.35, -0.35], [0.3, 0.35]]))
    torch.testing.assert_close(L2Ball(1.0).project(y), torch.tensor([[0.6, -0.8], [0.3, 0.4]]))
    box = Box(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 0.2]))
    torch.testing.assert_close(box.project(y), torch.tensor([[1.0, -1.0], [0.3, 0.2]]))


def test_violations_by_hand():
    y = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    torch.testing.assert_close(LinfBall(1.0).violation(y), torch.tensor([3.0, 0.0]))
    torch.testing.assert_close(L2Ball(1.0).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Box(0.0, 1.0).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Simplex().violation(y), torch.tensor([4.0, 0.3]))
    torch.testing.assert_close((LinfBall(1.0) & Box(0.0, 9.0)).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Product(LinfBall(1.0), L2Ball(1.0)).violation((y, y)), torch.tensor([4.0, 0.0]))
    assert Free().violation(y).tolist() == [0.0, 0.0]


def nearest_in_ball_and_box(y, radius, low, high):
    """The nearest point is clamp(y / (1 + m), low, high); m >= 0 by bisection, for boxes around zero."""
    near, far = torch.zeros(len(y), 1, dtype=y.dtype), torch.full((len(y), 1), 1e4, dtype=y.dtype)
    inside = y.clamp(low, high).norm(dim=1, keepdim=True) <= radius
    for _ in range(100):
        middle = (near + far) / 2
        long = (y / (1 + middle)).clamp(low, high).norm(dim=1, keepdim=True) > radius
        near, far = torch.where(long, middle, near), torch.where(long, far, middle)
    return torch.where(inside, y, y / (1 + far)).clamp(low, high)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(points, st.floats(0.1, 2), st.floats(-1, 0), st.floats(0, 1))
def test_dykstra_finds_the_nearest_point_of_ball_and_box(y, radius, low, high):
    got = (L2Ball(radius) & Box(low, high)).project(y)
    torch.testing.assert_close(got, nearest_in_ball_and_box(y, radius, low, high), rtol=0, atol=2e-5)


def test_dykstra_is_not_the_projection_on_one_set_after_the_other():
    y = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
    ball, box = L2Ball(1.0), Box(-0.6, 0.6)
    got = (ball & box).project(y)
    torch.testing.assert_close(got, torch.tensor([[0.6, 0.6]], dtype=torch.float64), rtol=0, atol=1e-5)
    assert (got - y).norm() < (box.project(ball.project(y)) - y).norm()


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


def test_samples_of_the_simplex_are_uniform():
    """A coordinate of a uniform point on the simplex of d + 1 = 3 corners has P(y > t) = (1 - t)^2."""
    generator = torch.Generator().manual_seed(4)
    y = Simplex().sample(torch.rand(20_000, 3, generator=generator, dtype=torch.float64))
    for threshold in (0.1, 0.5, 0.8):
        assert ((y > threshold).double().mean(0) - (1 - threshold) ** 2).abs().max() < 0.01


def test_samples_at_the_ends_of_the_noise_are_finite():
    ends = torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1 - 2**-24] * 3])
    for constraint in (LinfBall(0.1), L2Ball(0.1), Box(0.0, 1.0), Simplex(), Free()):
        assert constraint.sample(ends).isfinite().all()


def test_directions_are_steepest_in_each_sets_own_norm():
    gradient = torch.tensor([[3.0, -4.0], [0.0, 0.0]])
    signs, unit = [[1.0, -1.0], [0.0, 0.0]], torch.tensor([[0.6, -0.8], [0.0, 0.0]])
    for constraint in (LinfBall(0.1), Box(0.0, 1.0), LinfBall(0.1) & L2Ball(1.0)):
        assert constraint.direction(gradient).tolist() == signs
    for constraint in (L2Ball(0.1), Free(), Simplex()):
        torch.testing.assert_close(constraint.direction(gradient), unit)
    both = Product(LinfBall(0.1), L2Ball(0.1)).direction((gradient, gradient))
    assert both[0].tolist() == signs
    torch.testing.assert_close(both[1], unit)


def test_a_product_treats_each_leaf_by_its_own_set():
    sets = Product(LinfBall(0.5), Simplex())
    y = (torch.tensor([[3.0, -4.0]]), torch.tensor([[2.0, 0.0]]))
    projected = sets.project(y)
    assert [leaf.tolist() for leaf in projected] == [[[0.5, -0.5]], [[1.0, 0.0]]]
    assert [leaf.shape for leaf in sets.squash(y)] == [leaf.shape for leaf in y]
    assert sets.violation(sets.sample((torch.rand(1, 2), torch.rand(1, 2)))).max() <= 1e-6


@pytest.mark.parametrize("operation", ["project", "squash", "direction", "violation", "sample"])
@pytest.mark.parametrize("high", [1.0, torch.tensor([1.0, 2.0], dtype=torch.float64)])
def test_a_box_of_tensors_answers_in_the_dtype_of_what_it_is_given(operation, high):
    box = Box(torch.tensor([-1.0, 0.0], dtype=torch.float64), high)
    for dtype in (torch.float32, torch.float64):
        answer = getattr(box, operation)(torch.tensor([[0.5, -3.0], [0.0, 1.0]], dtype=dtype))
        assert answer.dtype == dtype


def test_and_makes_an_intersection_whose_first_set_leads():
    both = L2Ball(0.5) & LinfBall(0.2)
    assert isinstance(both, Intersection)
    update = torch.tensor([[3.0, -4.0]])
    assert torch.equal(both.squash(update), L2Ball(0.5).squash(update))


@pytest.mark.parametrize("make", [LinfBall, L2Ball])
@pytest.mark.parametrize("eps", [0.0, -0.1, math.inf, math.nan])
def test_a_radius_that_is_not_above_zero_is_refused(make, eps):
    with pytest.raises(ValueError, match="eps must be a finite number above 0"):
        make(eps)


@pytest.mark.parametrize("make", [LinfBall, L2Ball])
def test_a_radius_that_is_no_number_is_refused(make):
    with pytest.raises(TypeError, match="eps must be a number, got str"):
        make("0.1")


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (math.nan, 1.0), (torch.tensor([0.0, 2.0]), 1.0)])
def test_a_box_with_crossed_bounds_is_refused(low, high):
    with pytest.raises(ValueError, match="low <= high everywhere"):
        Box(low, high)


@pytest.mark.parametrize("kind", [Intersection, Product])
def test_sets_made_of_nothing_are_refused(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} needs at least one set, got none"):
        kind()


def test_a_set_of_single_tensors_refuses_a_tuple():
    with pytest.raises(TypeError, match=r"LinfBall constrains one tensor, got a tuple of 2.*Product"):
        LinfBall(0.1).project((torch.zeros(1, 1), torch.zeros(1, 1)))


def test_a_product_refuses_another_number_of_leaves():
    with pytest.raises(ValueError, match="Product has 1 sets, got an inner variable of 2 leaves"):
        Product(Free()).project((torch.zeros(1, 1), torch.zeros(1, 1)))
