"""Lookahead: by hand, its base where it keeps all, and inwards where the base leaves."""

import pytest
import torch
from duels import by_hand, path, xy

from minimax_l2l import PGM, Adam, GradientAscent, LearnedOptimizer, Lookahead, MLPUpdater, OptimisticAscent
from tasks.games import SUITE

PLAIN = GradientAscent(steps=7, step_size=0.1)


def test_four_steps_by_hand():
    by_hand(
        Lookahead(PLAIN, period=2, share=0.5),
        xy(),
        (1.0, 0.1),
        (0.995, 0.1),  # half of the way from (1, 0) to (0.99, 0.2)
        (0.985, 0.1995),
        (0.980025, 0.199),  # half of the way from there to (0.96505, 0.298)
    )


@pytest.mark.parametrize("base", [PLAIN, OptimisticAscent(steps=7, step_size=0.1), Adam(lr=0.1, steps=7)])
def test_a_share_of_one_is_the_base_with_its_state(base):
    whole = path(Lookahead(base, period=2, share=1), SUITE["forsaken"].sample(3), 9)
    torch.testing.assert_close(whole, path(base, SUITE["forsaken"].sample(3), 9), rtol=0, atol=1e-14)


def test_a_share_of_zero_comes_back_to_the_start():
    points = path(Lookahead(PLAIN, period=3, share=0), xy(), 6)
    assert torch.equal(points[3::3], points[:1].expand(2, -1, -1))


def test_it_draws_inwards_where_its_base_spirals_out():
    spiral = path(Lookahead(PLAIN, period=10, share=0.5), xy(), 300).norm(dim=2)
    assert spiral[-1] < 0.1
    assert path(PLAIN, xy(), 300).norm(dim=2)[-1] > 4


def test_it_takes_as_many_steps_as_its_base_unless_told():
    assert Lookahead(PLAIN).steps == 7
    assert Lookahead(PLAIN, steps=3).steps == 3


def test_the_base_does_not_say_where_to_start():
    game = SUITE["global-forsaken"].sample(2)
    base = PGM(steps=1, step_size=0.1, random_start=1.0)
    assert torch.equal(path(Lookahead(base), game, 0)[0], torch.cat(game.start, dim=1))


def test_its_steps_are_as_long_as_the_bases():
    assert Lookahead(PGM(steps=1, step_size=0.3)).lengths == {"step_size": 0.3}


def test_a_base_that_learns_is_refused():
    learned = LearnedOptimizer(MLPUpdater())
    with pytest.raises(ValueError, match="base must be hand-designed"):
        Lookahead(learned)
    assert Lookahead(learned.requires_grad_(False)).base is learned
