"""Iterates are those of other packages' optimizers, where these are installed: `pip install CGDs cooper-optim`."""

import pytest
import torch
from duels import path

from minimax_l2l import CompetitiveGradient, ExtraGradient
from tasks.games import SUITE

STEPS = 20
GAMES = ("xy", "matrix-5-printed", "covariance-4", "func4", "ridge-3")


@pytest.fixture
def double():
    """CGDs begins its conjugate gradients at zeros of the default dtype."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(usual)


def path_of_parameters(game, step):
    """All iterates of two parameters that `step` moves, shape (steps + 1, 1, dx + dy)."""
    pair = tuple(torch.nn.Parameter(leaf.clone()) for leaf in game.start)
    move, seen = step(*pair), []
    for _ in range(STEPS + 1):
        seen.append(torch.cat(pair, dim=1).detach().clone())
        move(lambda: game.objective(pair).sum())
    return torch.stack(seen)


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("eta", [0.01, 0.2])
def test_competitive_gradient_descent_is_that_of_its_authors(name, eta, double):
    cgds = pytest.importorskip("CGDs")

    def bcgd(x, y):
        theirs = cgds.BCGD(max_params=[y], min_params=[x], lr_max=eta, lr_min=eta, tol=1e-30, atol=1e-60)

        def move(loss):
            theirs.state.update(old_max=None, old_min=None)  # from where it starts, it makes one round too few
            theirs.step(loss())

        return move

    game = SUITE[name].sample(1)
    ours = path(CompetitiveGradient(steps=1, step_size=eta, tolerance=1e-14), game, STEPS)
    theirs = path_of_parameters(game, bcgd)
    assert (ours[-1] - ours[0]).abs().max() > 1e-2
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("eta", [0.01, 0.05])
def test_extragradient_is_coopers(name, eta):
    cooper = pytest.importorskip("cooper")

    def extra(x, y):
        players = [cooper.optim.ExtraSGD([x], lr=eta), cooper.optim.ExtraSGD([y], lr=eta, maximize=True)]

        def move(loss):
            for half in ("extrapolation", "step"):
                for leaf, gradient in zip((x, y), torch.autograd.grad(loss(), (x, y)), strict=True):
                    leaf.grad = gradient
                for player in players:
                    getattr(player, half)()

        return move

    game = SUITE[name].sample(1)
    ours = path(ExtraGradient(steps=1, step_size=eta), game, STEPS)
    theirs = path_of_parameters(game, extra)
    assert (ours[-1] - ours[0]).abs().max() > 1e-2
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)
