"""Dykstra's projections: the nearest point, not the last of two, and few looks at whether to stop."""

import math

import pytest
import torch

from minimax_l2l import Box, Intersection, L2Ball, Simplex
from minimax_l2l.constraints.dykstra import alternate

BALL, BOX = L2Ball(1.0), Box(-0.6, 0.6)


def alternated(y, *sets, **options):
    """Alternating projections, whatever exact projection there is."""
    both = Intersection(*sets)
    options = {"iterations": 200, "tolerance": 1e-6, **options}
    return alternate(y, [part.project for part in sets], both.violation, **options)


def test_dykstra_is_not_the_projection_on_one_set_after_the_other():
    y = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
    got = alternated(y, BALL, BOX)
    torch.testing.assert_close(got, torch.tensor([[0.6, 0.6]], dtype=torch.float64), rtol=0, atol=1e-5)
    assert (got - y).norm() < (BOX.project(BALL.project(y)) - y).norm()


def test_it_agrees_with_the_exact_projection():
    y = 2 * torch.randn(50, 4, dtype=torch.float64)
    torch.testing.assert_close(alternated(y, BALL, BOX), (BALL & BOX).project(y), rtol=0, atol=1e-4)


def test_a_box_away_from_the_origin_and_a_ball():
    """The unit ball's point nearest to (0, 2) that has y_1 >= 0.8 is (0.8, 0.6)."""
    box = Box(torch.tensor([0.8, -5.0], dtype=torch.float64), 5.0)
    both = Intersection(L2Ball(1.0), box, iterations=5000, tolerance=1e-9)
    got = both.project(torch.tensor([[0.0, 2.0], [3.0, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(got, torch.tensor([[0.8, 0.6], [1.0, 0.0]], dtype=torch.float64), rtol=0, atol=1e-5)


@pytest.mark.parametrize("sets", [(Simplex(), Box(0.0, 0.5)), (L2Ball(1.0), Box(0.3, 2.0))])
def test_its_derivative_is_that_of_what_it_finds(sets):
    y = torch.tensor([[0.9, 0.5, 0.1], [1.4, -0.2, 0.7]], dtype=torch.float64, requires_grad=True)
    project = Intersection(*sets, tolerance=1e-12, iterations=2000).project
    assert torch.autograd.gradcheck(project, y, atol=1e-5)


@pytest.mark.parametrize(("iterations", "looks"), [(9, 0), (40, 4), (200, 5)])
def test_whether_to_stop_is_looked_up_every_tenth_round(iterations, looks):
    looked, taken = [], []

    def violation(y):
        looked.append(y)
        return torch.full((1,), 0.0 if len(taken) >= 50 else 1.0)

    def project(y):
        taken.append(y)
        return y

    alternate(torch.zeros(1, 2), [project], violation, iterations=iterations, tolerance=1e-6)
    assert len(looked) == looks
    assert len(taken) == min(iterations, 50)


def test_a_nan_holds_up_no_other_instance():
    y, taken = torch.tensor([[2.0, 1.0], [math.nan, 1.0]]), []

    def project(value):
        taken.append(value)
        return BALL.project(value)

    got = alternate(y, [project, BOX.project], (BALL & BOX).violation, iterations=200, tolerance=1e-5)
    torch.testing.assert_close(got[0], torch.tensor([0.6, 0.6]), rtol=0, atol=1e-4)
    assert got[1].isnan().any()
    assert len(taken) < 200
