"""What a set leaves of the gradient, and the unit of f in which that is asked: numbers by hand."""

import pytest
import torch

from minimax_l2l import Box, Product
from minimax_l2l.optimizers.pull import measured_in, pulled, usual_unit


def pair(*values):
    return tuple(torch.tensor([[value]], dtype=torch.float64) for value in values)


def test_inside_it_is_the_gradient_and_at_the_boundary_what_leads_along_it():
    box = Product(Box(0.0, 1.0), Box(0.0, 1.0))
    torch.testing.assert_close(pulled(box, pair(0.5, 1.0), pair(-2.0, 3.0), 0.05), pair(-2.0, 0.0))
    torch.testing.assert_close(pulled(box, pair(0.5, 0.9), pair(-2.0, 4.0), 0.05), pair(-2.0, 2.0))


@pytest.mark.parametrize(
    ("gradient", "unit"),
    [((3.0, 4.0), 1.0), ((30.0, 40.0), 5.0), ((0.003, 0.004), 0.1), ((3e-9, 4e-9), 0.01), ((0.0, 0.0), 0.01)],
)
def test_the_unit_makes_a_first_gradient_neither_long_nor_very_short(gradient, unit):
    """The length is 5, and may be from 0.05 to 10; the unit is at least 0.01."""
    first = pair(*gradient)
    assert usual_unit(first).tolist() == pytest.approx([unit])
    torch.testing.assert_close(measured_in(usual_unit(first), first), pair(*(part / unit for part in gradient)))
