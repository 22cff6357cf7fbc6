"""Feasible sets: the nearest feasible point, bounded updates with gradients, random points, refusals."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minimax_l2l import Box, Free, Intersection, L2Ball, LinfBall, Product, Simplex
from tasks.adversarial.threat import perturbations

CORNERS = torch.tensor([-0.4, -0.1, 0.2]), torch.tensor([0.3, 0.5, 0.2])
SETS = {
    "LinfBall": LinfBall(0.7),
    "L2Ball": L2Ball(0.7),
    "Box": Box(-0.5, 1.5),
    "Box of tensors": Box(*(corner.double() for corner in CORNERS)),
    "Simplex": Simplex(),
    "two boxes": LinfBall(0.4) & Box(-0.2, 1.0),
    "ball and box": L2Ball(0.7) & Box(-0.5, 0.3),
    "ball and box of tensors": L2Ball(0.4) & Box(-CORNERS[1].double(), CORNERS[1].double()),
    "ball and box away from the origin": Box(0.1, 0.9) & L2Ball(0.7),
    "simplex and box": Simplex() & Box(0.0, 0.6),
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


def test_violations_by_hand():
    y = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    torch.testing.assert_close(LinfBall(1.0).violation(y), torch.tensor([3.0, 0.0]))
    torch.testing.assert_close(L2Ball(1.0).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Box(0.0, 1.0).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Simplex().violation(y), torch.tensor([4.0, 0.3]))
    torch.testing.assert_close((LinfBall(1.0) & Box(0.0, 9.0)).violation(y), torch.tensor([4.0, 0.0]))
    torch.testing.assert_close(Product(LinfBall(1.0), L2Ball(1.0)).violation((y, y)), torch.tensor([4.0, 0.0]))
    assert Free().violation(y).tolist() == [0.0, 0.0]


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


def test_and_makes_an_intersection_whose_first_set_leads():
    both = L2Ball(0.5) & LinfBall(0.2)
    assert isinstance(both, Intersection)
    update = torch.tensor([[3.0, -4.0]])
    assert torch.equal(both.squash(update), L2Ball(0.5).squash(update))


@pytest.mark.parametrize("eps", [0.1, 8 / 255, 0.7])
def test_a_box_met_by_one_clamp_gives_the_bits_of_clamping_in_turn(eps):
    images = torch.rand(5, 1, 8, 8)
    images[0], images[1] = 0, 1
    y = torch.randn(5, 1, 8, 8) * torch.tensor([0.0, 0.05, 0.1, 1.0, 10.0]).view(5, 1, 1, 1)
    in_turn = torch.minimum(torch.maximum(y.clamp(-eps, eps), -images), 1 - images)
    assert torch.equal(perturbations(images, LinfBall(eps)).project(y), in_turn)


def test_intersections_of_intersections_are_exact_too():
    y = 3 * torch.randn(9, 4)
    nested = (L2Ball(0.8) & Box(-0.5, 0.6)) & (LinfBall(0.55) & Free())
    assert torch.equal(nested.project(y), (L2Ball(0.8) & Box(-0.5, 0.55)).project(y))


def test_an_intersection_of_nothing_is_refused():
    with pytest.raises(ValueError, match="Intersection needs at least one set, got none"):
        Intersection()


def test_a_set_of_single_tensors_refuses_a_tuple():
    with pytest.raises(TypeError, match=r"LinfBall constrains one tensor, got a tuple of 2.*Product"):
        LinfBall(0.1).project((torch.zeros(1, 1), torch.zeros(1, 1)))


@pytest.mark.parametrize("operation", ["project", "squash", "direction", "violation", "sample"])
@pytest.mark.parametrize("name", SETS)
def test_a_single_number_has_no_instances(name, operation):
    with pytest.raises(
        ValueError, match=r"needs a tensor with dimensions \(instances.*got shape \(\); add a leading"
    ):
        getattr(SETS[name], operation)(torch.tensor(0.5))


@pytest.mark.parametrize("operation", ["project", "squash", "direction", "violation", "sample"])
@pytest.mark.parametrize("name", SETS)
def test_an_instance_without_numbers(name, operation):
    with pytest.raises(ValueError, match=r"needs at least one number, got shape \(3, .*0\)"):
        getattr(SETS[name], operation)(torch.zeros(3, 2, 0))
