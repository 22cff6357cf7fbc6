"""Extragradient with an anchor."""

import torch
from duels import by_hand, path, xy

from minimax_l2l import AnchoredExtraGradient


def test_two_steps_by_hand():
    by_hand(
        AnchoredExtraGradient(steps=2, step_size=0.1),
        xy(),
        (0.99, 0.1),  # a_0 is the start
        (0.9933333333333333 - 0.01656666666666667, 0.06666666666666667 + 0.09833333333333333),
    )


def test_the_squared_gradient_falls_with_the_square_of_the_number_of_steps():
    """As Yoon and Ryu prove for steps up to 1 / (8 L): at most 260 |y_0 - y*|^2 L^2 / (k + 1)^2; here L = 1."""
    squares = path(AnchoredExtraGradient(steps=400, step_size=0.125), xy(), 400)[:, 0].square().sum(1)
    counts = torch.arange(1, 402)
    assert (squares * counts**2 <= 260).all()
    assert squares[400] < squares[200] / 2
