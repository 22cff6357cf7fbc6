"""The suite: whole, reproducible, and true about where its fields are zero and where gradient play goes."""

import pytest
import torch

from minimax_l2l import GradientAscent
from tasks.games import SUITE, CovarianceGame, Game, Kind, RatioGame
from tasks.games.kinds import MINIMAX, field_jacobian

FREE = [name for name in SUITE if not name.startswith("ratio")]
PLANAR = ["ridge-3", "func2", "func4", "func5", "func6", "forsaken", "global-forsaken", "polar", "coherent"]


@pytest.mark.parametrize("name", SUITE)
def test_games_are_drawn_from_their_seed_alone(name):
    torch.manual_seed(1)
    one = SUITE[name].sample(3, seed=4)
    torch.manual_seed(2)
    same, other = SUITE[name].sample(3, seed=4), SUITE[name].sample(3, seed=5)
    assert isinstance(one, Game)
    assert [leaf.dtype for leaf in one.start] == [torch.float64] * 2
    assert len(one.start[0]) == 3
    value = one.objective(one.start)
    assert torch.equal(value, same.objective(same.start))
    started = [torch.cat(game.start, dim=1) for game in (one, other)]
    if name == "diagonal-100":  # which starts at zero
        assert not torch.equal(one.b, other.b)
    else:
        assert not torch.equal(*started)
        assert len(started[0].unique(dim=0)) == 3
    assert SUITE[name].name == name


@pytest.mark.parametrize("name", FREE)
def test_the_field_is_zero_where_it_is_told_to_be(name):
    game = SUITE[name].sample(3)
    for points in game.stationary().unbind(1):
        assert game.field(game.pair(points)).abs().max() < 1e-7


@pytest.mark.parametrize("name", PLANAR)
def test_newtons_method_finds_no_other_point(name):
    game = SUITE[name].sample(1)
    reach = min(game.box or 9.0, 9.0)
    line = torch.linspace(-reach, reach, 31, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    game.start = game.pair(points)
    for _ in range(30):
        pair = game.pair(points)
        step = (torch.linalg.pinv(field_jacobian(game, pair)) @ game.field(pair).detach()[..., None])[..., 0]
        points = points - step / step.norm(dim=1, keepdim=True).clamp_min(1)
    found = (game.field(game.pair(points)).detach().norm(dim=1) < 1e-9) & (points.abs().amax(1) <= reach)
    away = torch.cdist(points[found], SUITE[name].sample(1).stationary()[0])
    assert found.sum() > 100
    assert away.amin(1).max() < 1e-5
    assert away.amin(0).max() < 1e-5  # and all that are listed are found


@pytest.mark.parametrize("name", [name for name in FREE if name not in ("polar", "global-forsaken", "forsaken")])
def test_gradient_play_circles_where_the_field_does_not_point_away_from_a_minimax_point(name):
    """Where no eigenvalue of F's derivative has a positive real part at each minimax point, it cannot settle."""
    game, drawn = SUITE[name].sample(1), []
    for kinds, points in zip(game.kinds.unbind(1), game.stationary().unbind(1), strict=True):
        if all(kind in MINIMAX for kind in kinds):
            least = torch.linalg.eigvals(field_jacobian(game, game.pair(points))).real.amin()
            drawn.append(bool(least > 1e-6))
    assert SUITE[name].circles == (bool(drawn) and not any(drawn))


@pytest.mark.parametrize("name", ["polar", "global-forsaken", "forsaken", "ratio-mixed", "ratio-corner"])
def test_gradient_play_circles_where_it_is_told_to(name):
    game, away = SUITE[name].sample(4), []
    play = GradientAscent(steps=200, step_size=0.1)
    play.maximize(game, observe=lambda _, pair: away.append(game.distance(pair, list(Kind))))
    assert SUITE[name].circles == bool(torch.stack(away[-50:]).min() > 0.03)


@pytest.mark.parametrize("name", ["ratio-mixed", "ratio-corner"])
def test_at_the_solution_of_a_ratio_game_no_strategy_gains(name):
    game = SUITE[name].sample(1)
    x, y = game.pair(game.stationary()[:, 0])
    share = torch.linspace(0, 1, 101, dtype=torch.float64)
    others = torch.stack([share, 1 - share], dim=1)
    value = game.objective((x, y))
    assert (game.objective((others, y.expand(101, -1))) >= value - 1e-9).all()
    assert (game.objective((x.expand(101, -1), others)) <= value + 1e-9).all()
    worse = (x + 0.1 * torch.tensor([-1.0, 1.0])).abs()
    assert game.distance((worse / worse.sum(), y)) > 0.05


def test_the_published_solution_of_the_mixed_ratio_game():
    solution = SUITE["ratio-mixed"].sample(1).solution
    assert solution[[0, 2]].tolist() == pytest.approx([0.951941, 0.050485], abs=1e-6)


def test_a_ratio_point_that_is_no_solution_would_be_spurious():
    eye = torch.eye(2).double()
    game = RatioGame((eye[:1], eye[:1]), eye, torch.ones(2, 2).double())
    game.solution = torch.tensor([1.0, 0.0, 1.0, 0.0]).double()  # instead of all halves
    assert game.kinds.tolist() == [[Kind.SPURIOUS]]


def test_at_a_covariance_no_player_gains_whatever_it_does():
    game = SUITE["covariance-4"].sample(50)
    v, w = game.pair(game.stationary()[:, 0])
    value, generator = game.objective((v, w)), torch.Generator().manual_seed(0)
    noise = torch.randn(2, *v.shape, generator=generator, dtype=torch.float64)
    assert ((game.objective((v + noise[0], w)) - value).abs() < 1e-9).all()
    assert ((game.objective((v, w + noise[1])) - value).abs() < 1e-9).all()


def test_a_rotated_root_is_a_covariances_solution_as_well():
    game = SUITE["covariance-4"].sample(2)
    assert isinstance(game, CovarianceGame)
    v, w = game.pair(game.stationary()[:, 0])
    rotation, _ = torch.linalg.qr(torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(0)).double())
    turned = (v.view(2, 4, 4) @ rotation).flatten(1)
    skew = (rotation - rotation.mT).flatten(1)
    assert game.distance((turned, w + skew)).max() < 1e-9
    assert game.distance((turned, w + 1)).min() > 1
    assert game.distance((turned, w), [Kind.SPURIOUS]).isinf().all()
