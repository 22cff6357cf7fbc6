"""Boxes: bounds of any kind, in the dtype of what is asked, and what is no box."""

import math

import pytest
import torch

from minimax_l2l import Box


def test_projection_by_hand():
    y = torch.tensor([[3.0, -4.0], [0.3, 0.4]])
    box = Box(torch.tensor([0.0, -1.0]), torch.tensor([1.0, 0.2]))
    torch.testing.assert_close(box.project(y), torch.tensor([[1.0, -1.0], [0.3, 0.2]]))


@pytest.mark.parametrize(
    "bounds", [(-1.0, 0.5), (torch.tensor([-1.0]), torch.tensor([0.5])), (-1, torch.tensor(0.5))]
)
def test_where_a_bound_is_met_exactly_the_derivative_is_whole(bounds):
    """A step that stays in the box moves the point by itself, so phi sees all of it."""
    y = torch.tensor([[-1.0, 0.5, 0.6, -1.1, 0.1]], requires_grad=True)
    Box(*bounds).project(y).sum().backward()
    assert y.grad.tolist() == [[1.0, 1.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("low", "high", "holds"),
    [
        (-1.0, 0.0, True),
        (0.1, 1.0, False),
        (torch.tensor([-1.0, 0.0]), 2.0, True),
        (torch.tensor([-1.0, 1e-9]), 2.0, False),
        (-1.0, torch.tensor([[0.5], [-0.5]]), False),
        (-math.inf, math.inf, True),
    ],
)
def test_a_box_knows_whether_it_holds_the_origin(low, high, holds):
    assert Box(low, high).holds_origin is holds


@pytest.mark.parametrize("operation", ["project", "squash", "direction", "violation", "sample"])
@pytest.mark.parametrize("high", [1.0, torch.tensor([1.0, 2.0], dtype=torch.float64)])
def test_a_box_of_tensors_answers_in_the_dtype_of_what_it_is_given(operation, high):
    box = Box(torch.tensor([-1.0, 0.0], dtype=torch.float64), high)
    for dtype in (torch.float32, torch.float64):
        answer = getattr(box, operation)(torch.tensor([[0.5, -3.0], [0.0, 1.0]], dtype=dtype))
        assert answer.dtype == dtype


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (math.nan, 1.0), (torch.tensor([0.0, 2.0]), 1.0)])
def test_a_box_with_crossed_bounds_is_refused(low, high):
    with pytest.raises(ValueError, match="low <= high everywhere"):
        Box(low, high)
