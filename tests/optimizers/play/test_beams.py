"""K-beam play: by hand, gradient play with one beam, and calm where the best answer jumps."""

import pytest
import torch
from duels import by_hand, path, start, xy
from specimens import Quadratic

from minimax_l2l import GradientAscent, KBeam
from minimax_l2l.trees import map_leaves
from tasks.games import SUITE, PlanarGame


def test_two_steps_by_hand():
    """The second answer starts at 0 + 0.5 (2 - 1) and is the better one."""
    game = xy()
    game.noise = lambda y, draw: map_leaves(torch.ones_like, y)
    by_hand(KBeam(steps=2, step_size=0.1, beams=2), game, (0.95, 0.6), (0.89, 0.695))
    state = KBeam(steps=2, step_size=0.1, beams=2).maximize(game).state
    assert [answer.item() for answer in state] == pytest.approx([0.195, 0.695])


def test_the_best_answer_is_chosen_game_by_game():
    """For x = 1 the larger y is the better answer, for x = -1 the smaller."""
    game = PlanarGame((torch.tensor([[1.0], [-1.0]]), torch.zeros(2, 1)), lambda x, y: x * y, [(0.0, 0.0)])
    game.noise = lambda y, draw: map_leaves(lambda leaf: torch.full_like(leaf, draw - 1), y)  # 0, then 1
    x, y = KBeam(steps=1, step_size=0.1, beams=3, spread=1.0).maximize(game).y
    assert x.flatten().tolist() == pytest.approx([0.9, -0.9])
    assert y.flatten().tolist() == pytest.approx([1.1, -1.1])


def test_one_beam_is_gradient_play():
    game = SUITE["func4"].sample(3)
    one, plain = KBeam(steps=4, step_size=0.01, beams=1), GradientAscent(steps=4, step_size=0.01)
    assert torch.equal(path(one, game, 4), path(plain, game, 4))


def test_several_answers_settle_where_the_best_one_jumps():
    """The best answer to x has the sign of x, and is the worse of the two once x has crossed zero."""

    def formula(x, y):
        return x**2 / 8 + x * y - (y**2 - 1) ** 2

    def last(beams):
        game = PlanarGame(start(0.5, 0.9), formula, [(0.0, 0.0)])
        game.noise = lambda y, draw: map_leaves(torch.zeros_like, y)  # the second answer starts at -1
        optimizer = KBeam(steps=1, step_size=0.02, beams=beams, spread=1.9)
        return path(optimizer, game, 400)[-50:, 0, 0].abs().max()

    assert last(2) < 0.05
    assert last(1) > 1


def test_one_player_is_refused():
    with pytest.raises(ValueError, match="K-beam play is for a player that descends and one that answers"):
        KBeam(steps=1, step_size=0.1).maximize(Quadratic(torch.ones(2, 3)))
