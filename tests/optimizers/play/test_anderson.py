"""Anderson mixing: by hand, and GMRES where the gradient is affine."""

import pytest
import torch
from duels import path, start, xy

from minimax_l2l import AndersonMixing, GradientAscent
from tasks.games import SUITE, PlanarGame


def test_three_steps_by_hand():
    """Residuals (-1/2, -1) and (-1/4, 0) mix with c = -1/17; with two differences the game is solved."""
    game = PlanarGame(start(1.0, 1.0), lambda x, y: x**2 / 2 - y**2, [(0.0, 0.0)])
    optimizer = AndersonMixing(steps=3, step_size=0.5)
    points = path(optimizer, game, 3)[1:, 0]
    wanted = torch.tensor([(0.5, 0.0), (4 / 17, 0.0), (0.0, 0.0)]).double()
    torch.testing.assert_close(points, wanted, rtol=0, atol=1e-7)


def test_the_first_step_is_a_gradient_step():
    mixing, plain = AndersonMixing(steps=1, step_size=0.1), GradientAscent(steps=1, step_size=0.1)
    assert torch.equal(path(mixing, xy(), 1), path(plain, xy(), 1))


@pytest.mark.parametrize("family", ["rotated-saddle", "matrix-5-printed", "ridge-1", "lower-bound"])
def test_on_affine_fields_its_residuals_are_those_of_gmres(family):
    """What is mixed has the shortest residual of all points in the Krylov space, as dense least squares tell."""
    game, size = SUITE[family].sample(4), 0.3
    jacobian, offset = game.jacobian, torch.cat([game.b, -game.c], dim=1)[:, :, None]
    points = path(AndersonMixing(steps=5, step_size=size, memory=5), game, 5)[..., None]
    first = -size * (jacobian @ points[0] + offset)
    columns = [first]
    for k in range(1, 5):
        # A step is mixed + size * g(mixed), so what was mixed can be found again.
        identity = torch.eye(jacobian.shape[1]).double()
        mixed = torch.linalg.solve(identity - size * jacobian, points[k + 1] + size * offset)
        residual = -size * (jacobian @ mixed + offset)
        span = torch.cat(columns, dim=2)
        best = torch.linalg.lstsq(size * jacobian @ span, first, driver="gelsd").solution
        least = first - size * jacobian @ span @ best
        torch.testing.assert_close(residual.norm(dim=1), least.norm(dim=1), rtol=1e-4, atol=1e-5)
        columns.append(columns[-1] - size * jacobian @ columns[-1])


def test_more_differences_than_the_memory_are_forgotten():
    game = SUITE["matrix-5-printed"].sample(2)
    moves, changes, _, _ = AndersonMixing(steps=7, step_size=0.1, memory=3).maximize(game).state
    assert moves.shape == changes.shape == (2, 10, 3)


def test_it_solves_what_gradient_play_does_not_and_goes_to_points_that_no_player_wants():
    assert path(AndersonMixing(steps=20), xy(1.0, 0.5), 20)[-1].norm() < 1e-6
    game = SUITE["swapped-saddle"].sample(5)
    assert torch.cat(AndersonMixing(steps=30).maximize(game).y).abs().max() < 1e-6


def test_single_precision_does_not_stand_still_on_xy():
    """Where exact mixing does at its second step."""
    game = PlanarGame((torch.ones(1, 1), torch.zeros(1, 1)), lambda x, y: x * y, [(0.0, 0.0)])
    assert path(AndersonMixing(steps=30, step_size=0.1), game, 30)[-1].abs().max() < 1e-4


def test_single_precision_stays_finite_where_columns_repeat():
    game = PlanarGame((torch.ones(1, 1), torch.ones(1, 1)), lambda x, y: x**2 / 2 - y**2, [(0.0, 0.0)])
    assert path(AndersonMixing(steps=60, step_size=0.5), game, 60)[-1].abs().max() < 1e-5
