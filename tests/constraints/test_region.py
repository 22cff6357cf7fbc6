"""Boxes cut with balls: exact nearest points with their own derivative, whatever happens to one instance."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from minimax_l2l import Box, L2Ball, LinfBall
from minimax_l2l.constraints import region
from minimax_l2l.constraints.region import Region, shrink_into_box
from tasks.adversarial.threat import perturbations


def nearest_in_ball_and_box(y, radius, low, high):
    """The nearest point is clamp(s y, low, high); s by a long bisection in float64, for boxes around zero."""
    wide = y.double().flatten(1)
    low, high = (
        torch.as_tensor(bound, dtype=torch.float64).expand_as(y).reshape(len(y), -1) for bound in (low, high)
    )
    near, far = torch.zeros(len(y), 1, dtype=torch.float64), torch.ones(len(y), 1, dtype=torch.float64)
    for _ in range(200):
        middle = (near + far) / 2
        fits = (middle * wide).clamp(low, high).norm(dim=1, keepdim=True) <= radius
        near, far = torch.where(fits, middle, near), torch.where(fits, far, middle)
    inside = wide.clamp(low, high).norm(dim=1, keepdim=True) <= radius
    return torch.where(inside, wide, near * wide).clamp(low, high).view_as(y).to(y.dtype)


coordinate = st.floats(-5, 5, allow_nan=False, width=32)
points = st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=4).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(points, st.floats(0.1, 2), st.floats(-1, 0), st.floats(0, 1))
def test_it_is_the_nearest_point(y, radius, low, high):
    got = (L2Ball(radius) & Box(low, high)).project(y)
    torch.testing.assert_close(got, nearest_in_ball_and_box(y, radius, low, high), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-5)])
@pytest.mark.parametrize("radius", [1e-3, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("size", [1e-6, 0.1, 1.0, 1e3, 1e9])
@pytest.mark.parametrize("shape", [(5,), (5, 7), (5, 3, 8, 8)])
def test_it_is_the_nearest_point_at_every_size(shape, size, radius, dtype, tolerance):
    generator = torch.Generator().manual_seed(2)
    y, low, high = (torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for _ in range(3))
    y[1] = 0
    y, low, high = y * size, -low.abs(), high.abs()
    low[2], high[3] = 0, math.inf  # a wall at the origin, and no wall
    constraint = L2Ball(radius) & Box(low, high)
    got = constraint.project(y)
    assert got.shape == y.shape
    assert got.dtype == dtype
    assert constraint.violation(got).max() <= 1e-6 * radius
    want = nearest_in_ball_and_box(
        y[:, None] if len(shape) == 1 else y,
        radius,
        *(bound[:, None] if len(shape) == 1 else bound for bound in (low, high)),
    ).view_as(y)
    torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance * radius)
    once = constraint.project(got)
    torch.testing.assert_close(once, got, rtol=0, atol=tolerance * radius)


def test_it_agrees_with_a_general_solver():
    optimize = pytest.importorskip("scipy.optimize")
    generator = torch.Generator().manual_seed(8)
    y = 2 * torch.randn(6, 5, generator=generator, dtype=torch.float64)
    low, high = -torch.rand(5, generator=generator), torch.rand(5, generator=generator)
    got = (L2Ball(0.8) & Box(low, high)).project(y)
    for row, mine in zip(y.numpy(), got.numpy(), strict=True):
        solved = optimize.minimize(
            lambda z, row=row: ((z - row) ** 2).sum(),
            mine * 0.5,
            jac=lambda z, row=row: 2 * (z - row),
            bounds=list(zip(low.tolist(), high.tolist(), strict=True)),
            constraints={"type": "ineq", "fun": lambda z: 0.64 - (z**2).sum(), "jac": lambda z: -2 * z},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert abs(solved.x - mine).max() < 1e-6


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_two_pieces_by_hand(memory_format):
    """Of (2, 1, 0, 0) in |y_1| <= 0.6 and the unit ball, y_1 meets its wall and y_2 takes the rest, 0.8."""
    y = torch.tensor([2.0, 1.0, 0.0, 0.0]).view(1, 2, 2, 1).to(memory_format=memory_format)
    got = (L2Ball(1.0) & Box(-0.6, torch.tensor([0.6, 1.0, 1.0, 1.0]).view(2, 2, 1))).project(y)
    torch.testing.assert_close(got.flatten(), torch.tensor([0.6, 0.8, 0.0, 0.0]))
    got = (L2Ball(1.0) & Box(-0.9, 0.9)).project(y)  # (2, 1) / sqrt(5) = (0.894, 0.447) meets no wall
    torch.testing.assert_close(got.flatten(), torch.tensor([0.8944272, 0.4472136, 0.0, 0.0]))
    got = (L2Ball(1.0) & Box(-0.5, 0.5)).project(y)  # the box alone
    assert got.flatten().tolist() == [0.5, 0.5, 0.0, 0.0]
    got = (L2Ball(1.0) & Box(0.0, math.inf)).project(-y)
    assert got.flatten().tolist() == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("allowed", [L2Ball(0.5) & Box(-0.2, 0.3), L2Ball(0.5) & LinfBall(0.2)])
def test_a_nan_passes_on_and_touches_no_other(bad, allowed):
    y = torch.randn(3, 2, 4, requires_grad=True)
    expected = allowed.project(y)
    (slope,) = torch.autograd.grad(expected.square().sum(), y)
    spoiled = y.detach().clone()
    spoiled[1, 0, 2] = bad
    spoiled.requires_grad_()
    got = allowed.project(spoiled)
    assert got[1].isnan().any()
    assert torch.equal(got[[0, 2]], expected[[0, 2]])
    (after,) = torch.autograd.grad(got.square().sum(), spoiled)
    assert torch.equal(after[[0, 2]], slope[[0, 2]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_iterates_that_exploded_are_brought_back(dtype):
    y = torch.tensor([[3.0, -4.0, 0.5], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]], dtype=dtype)
    allowed = L2Ball(1.0) & Box(-0.7, 0.7)
    torch.testing.assert_close(allowed.project(1e30 * y), allowed.project(1e6 * y), rtol=0, atol=1e-6)


WALLS = Box(torch.tensor([-0.2, -0.7, -2.0, 0.0]).double(), torch.tensor([0.3, 0.1, 0.5, 9.0]).double())
SETS = {
    "L2 and box": L2Ball(0.6) & Box(-0.35, 0.3),
    "L2 and walls": L2Ball(0.6) & WALLS,
    "L2 and L_inf and walls": L2Ball(0.6) & LinfBall(0.4) & WALLS,
    "L_inf and walls": LinfBall(0.25) & WALLS,
    "several boxes": Box(-1.0, 0.4) & Box(-0.3, 2.0) & WALLS,
    "L2 alone": L2Ball(0.6) & L2Ball(0.9),
}


@pytest.mark.parametrize("name", SETS)
def test_the_projection_has_its_own_derivative(name):
    generator = torch.Generator().manual_seed(3)
    for size in (0.05, 0.5, 5.0):
        y = (size * torch.randn(6, 4, generator=generator, dtype=torch.float64)).requires_grad_()
        assert torch.autograd.gradcheck(SETS[name].project, y)
        assert torch.autograd.gradgradcheck(SETS[name].project, y)


def test_walls_that_move_have_a_derivative_too():
    y = torch.tensor([[2.0, 1.0, -0.8], [0.1, 0.2, 0.1]], dtype=torch.float64)
    low = torch.full((3,), -0.5, dtype=torch.float64, requires_grad=True)
    high = torch.full((3,), 0.6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: shrink_into_box(y, 0.9, a, b), (low, high))


@pytest.mark.parametrize("kind", ["inside", "a zero inside", "origin", "beyond every wall"])
def test_where_nothing_is_cut_the_derivative_is_the_identitys_or_zero(kind):
    rows = {
        "inside": [0.1, -0.1, 0.05],
        "a zero inside": [0.1, 0.0, -0.1],
        "origin": [0.0, 0.0, 0.0],
        "beyond every wall": [9.0, -9.0, 9.0],
    }
    radius = {"beyond every wall": 7.0}.get(kind, 0.8)
    y = torch.tensor([rows[kind]], requires_grad=True)
    weights = torch.tensor([[1.0, 2.0, 3.0]])
    ((L2Ball(radius) & Box(-1.0, 1.0)).project(y) * weights).sum().backward()
    expected = 0 * weights if kind == "beyond every wall" else weights
    assert y.grad.tolist() == expected.tolist()


class Watched(TorchDispatchMode):
    """Keeps the names of all operations."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        self.names.append(str(operation))
        return operation(*arguments, **(options or {}))


@pytest.mark.parametrize(
    ("threat", "learned", "most"),
    [(LinfBall(0.1), False, 1), (LinfBall(0.1), True, 3), (L2Ball(0.5), False, 47), (L2Ball(0.5), True, 50)],
)
def test_a_threat_costs_few_operations_and_never_waits_for_the_device(threat, learned, most):
    images = torch.rand(4, 1, 6, 6)
    y = torch.randn(4, 1, 6, 6, requires_grad=learned)
    with Watched() as made:
        allowed = perturbations(images, threat)
    with Watched() as projected:
        allowed.project(y)
    with Watched() as others:
        allowed.sample(torch.rand(4, 1, 6, 6))
        allowed.squash(y)
        allowed.direction(y)
    assert len(projected.names) <= most
    waits = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal.default", "_to_copy")
    for name in (*made.names, *projected.names, *others.names):
        assert not any(name.startswith(f"aten.{wait}") for wait in waits)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ((Region(-1.0, 2.0), Region(-0.5, 3.0)), (-0.5, 2.0)),
        (
            (Region(torch.tensor([-1.0, 0.0]), 2.0), Region(-0.5, torch.tensor([3.0, 1.0]))),
            ([-0.5, 0.0], [2.0, 1.0]),
        ),
        (
            (Region(torch.tensor([[-1.0], [-2.0]]), math.inf), Region(torch.tensor([-1.5, 0.0]), 1.0)),
            ([[-1.0, 0.0], [-1.5, 0.0]], 1.0),
        ),
        ((Region(torch.tensor([-1, 0]), torch.tensor([1, 2])), Region(-0.5, 0.5)), ([-0.5, 0.0], [0.5, 0.5])),
    ],
)
def test_boxes_are_merged(bound, expected):
    for merged in (bound[0] & bound[1], bound[1] & bound[0]):
        assert torch.as_tensor(merged.low).tolist() == expected[0]
        assert torch.as_tensor(merged.high).tolist() == expected[1]


def test_what_is_exact():
    assert Region(0.5, 1.0, holds_origin=False).exact
    assert Region(-0.5, 1.0, radius=1.0).exact
    assert not (Region(0.5, 1.0, holds_origin=False) & Region(radius=1.0)).exact
    assert (Region(radius=1.0) & Region(radius=0.5)).radius == 0.5


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("radius", [0.05, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("black", [0.0, 0.9])
def test_large_batches_are_searched_and_not_sorted_to_the_same_points(black, radius, size, monkeypatch):
    """Also where one instance is no number, one is zero and one lies inside."""
    generator = torch.Generator().manual_seed(9)
    y = size * torch.randn(12, 3, 16, 16, generator=generator)
    images = torch.rand(12, 3, 16, 16, generator=generator)
    images = images * (images > black)
    y[3], y[4], y[5, 0, 0, 0] = 0, y[4] * radius / (100 * size), math.nan
    with Watched() as searched:
        got = shrink_into_box(y, radius, -images, 1 - images)
    assert "aten.sort.default" not in searched.names
    monkeypatch.setattr(region, "FEW", math.inf)
    with Watched() as sorted_:
        want = shrink_into_box(y, radius, -images, 1 - images)
    assert "aten.sort.default" in sorted_.names
    assert got[5].isnan().any()
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6 * radius, equal_nan=True)
    assert torch.equal(shrink_into_box(y[:11], radius, -images[:11], 1 - images[:11])[:3], want[:3])
