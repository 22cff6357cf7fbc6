"""Competitive gradient descent, by hand and against a dense solve."""

import pytest
import torch
from duels import by_hand, path, start, xy
from specimens import Quadratic

from minimax_l2l import CompetitiveGradient
from tasks.games import SUITE, PlanarGame, QuadraticGame
from tasks.games.kinds import field_jacobian


def test_a_step_by_hand():
    """From (.5, .5) with eta = .2: dx = -.2 * .6 / 1.04, dy = .2 * (.5 + dx)."""
    dx = -0.12 / 1.04
    by_hand(CompetitiveGradient(steps=1, step_size=0.2), xy(0.5, 0.5), (0.5 + dx, 0.5 + 0.2 * (0.5 + dx)))


def dense(game, eta):
    """One step, with the inverse formed."""
    width = game.start[0].shape[1]
    field, jacobian = game.field(game.start).detach(), field_jacobian(game, game.start)
    f_x, f_y, f_xy = field[:, :width, None], -field[:, width:, None], jacobian[:, :width, width:]
    system = torch.eye(width).double() + eta**2 * f_xy @ f_xy.mT
    dx = -eta * torch.linalg.solve(system, f_x + eta * f_xy @ f_y)
    dy = eta * (f_y + f_xy.mT @ dx)
    return torch.cat([game.start[0] + dx[:, :, 0], game.start[1] + dy[:, :, 0]], dim=1)


@pytest.mark.parametrize("eta", [0.05, 1.0])
@pytest.mark.parametrize("family", ["matrix-5-printed", "covariance-4", "func4-wide", "ridge-3", "bilinear-100"])
def test_steps_are_those_of_a_dense_solve(family, eta):
    game = SUITE[family].sample(5)
    step = path(CompetitiveGradient(steps=1, step_size=eta, tolerance=1e-12, rounds=300), game, 1)[1]
    torch.testing.assert_close(step, dense(game, eta), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("wide", [True, False])
def test_players_may_move_in_spaces_of_different_sizes(wide):
    torch.manual_seed(0)
    sizes = (4, 2) if wide else (2, 4)
    pair = tuple(torch.randn(3, size).double() for size in sizes)
    game = QuadraticGame(pair, torch.randn(3, *sizes).double(), b=torch.randn(3, sizes[0]).double())
    step = path(CompetitiveGradient(steps=1, step_size=0.3, tolerance=1e-12), game, 1)[1]
    torch.testing.assert_close(step, dense(game, 0.3))


def test_the_player_who_descends_may_come_second():
    game, turned = xy(0.5, 0.3), PlanarGame(start(0.3, 0.5), lambda y, x: x * y, [(0.0, 0.0)])
    turned.signs = (1.0, -1.0)
    one, other = (path(CompetitiveGradient(steps=1, step_size=0.2), each, 1)[1] for each in (game, turned))
    torch.testing.assert_close(one, other.flip(1), rtol=0, atol=1e-15)


def test_a_step_of_numbers_is_four_passes_and_more_where_the_system_is_larger():
    game = SUITE["func4"].sample(7)
    CompetitiveGradient(steps=10, step_size=0.01).maximize(game)
    assert game.passes.input_gradient == 40
    game = SUITE["matrix-5-printed"].sample(7)
    CompetitiveGradient(steps=1, step_size=1.0, rounds=4).maximize(game)
    assert game.passes.input_gradient == 2 + 2 * 4


def test_where_the_field_is_zero_it_stays_and_solves_nothing():
    game = xy(0.0, 0.0)
    by_hand(CompetitiveGradient(steps=1, step_size=0.2), game, (0.0, 0.0))
    assert game.passes.input_gradient == 2


def test_one_player_is_refused():
    with pytest.raises(ValueError, match="is for two players, one of whom descends"):
        CompetitiveGradient(steps=1, step_size=0.1).maximize(Quadratic(torch.ones(2, 3)))
