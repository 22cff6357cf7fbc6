"""Extragradient for the price of one gradient per step."""

import torch
from duels import by_hand, path, xy

from minimax_l2l import Iterate, OptimisticAscent, Oracle, PastExtraGradient
from minimax_l2l.trees import leaves, map_leaves
from tasks.games import SUITE


def test_three_optimistic_steps_by_hand():
    by_hand(OptimisticAscent(steps=3, step_size=0.1), xy(), (1.0, 0.1), (0.98, 0.2), (0.95, 0.296))


def test_three_past_extragradient_steps_by_hand():
    """The points ahead are (1, 0), (1, 0.2) and (0.96, 0.3)."""
    by_hand(PastExtraGradient(steps=3, step_size=0.1), xy(), (1.0, 0.1), (0.98, 0.2), (0.95, 0.296))


def test_they_differ_where_the_field_is_no_linear_one():
    game = SUITE["forsaken"].sample(1)
    one, other = (path(kind(steps=5, step_size=0.1), game, 5) for kind in (OptimisticAscent, PastExtraGradient))
    assert (one[-1] - other[-1]).abs().max() > 1e-4


def test_optimistic_points_are_the_points_ahead_of_past_extragradient():
    """With y' = y_0 at first: so past extragradient starts a step before, at y_0 - step_size * g(y_0)."""
    game, eta = SUITE["forsaken"].sample(3), 0.1
    gradient = Oracle(game).gradient(game.start)
    before = map_leaves(lambda here, move: here - eta * move, game.start, gradient)
    asked = []
    game.answered = lambda y, _: asked.append(torch.cat(leaves(y), dim=1))
    PastExtraGradient(steps=6, step_size=eta).maximize(game, start=Iterate(before, leaves(gradient)))
    optimistic = path(OptimisticAscent(steps=5, step_size=eta), SUITE["forsaken"].sample(3), 5)
    torch.testing.assert_close(torch.stack(asked), optimistic)
