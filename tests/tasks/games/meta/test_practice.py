"""Games to practise on are what they say: the field is zero where they say so, and nowhere else."""

import pytest
import torch

from minimax_l2l.testing import check_problem
from tasks.games import PRACTICE, Kind


@pytest.mark.parametrize("name", PRACTICE)
def test_the_contract(name):
    check_problem(lambda: PRACTICE[name].sample(4, seed=1))


@pytest.mark.parametrize("name", PRACTICE)
def test_the_field_is_zero_where_they_say_so(name):
    for seed in range(4):
        game = PRACTICE[name].sample(8, seed=seed)
        for point in game.stationary().unbind(1):
            assert game.field(game.pair(point)).abs().max() < 1e-9


@pytest.mark.parametrize("name", PRACTICE)
def test_a_seed_is_a_batch_of_games(name):
    one, same, other = (PRACTICE[name].sample(4, seed=seed).start[0] for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert one.shape != other.shape or not torch.equal(one, other)


def test_all_kinds_are_met_and_no_player_has_more_than_four_numbers():
    games = [family.sample(32, seed=seed) for family in PRACTICE.values() for seed in range(12)]
    assert {int(kind) for game in games for kind in game.kinds.flatten()} == {int(kind) for kind in Kind}
    assert max(leaf.shape[1] for game in games for leaf in game.start) == 4


def test_turning_games_have_no_other_point():
    """From everywhere, the field is zero at the origin alone: |x| and |y| cannot both be larger than each other."""
    game = PRACTICE["turning"].sample(64, seed=2)
    far = torch.linspace(0.1, 8, 40, dtype=torch.float64)[:, None, None]
    size = game.start[0].shape[1]
    for direction in torch.nn.functional.normalize(torch.randn(50, 64, 2 * size, dtype=torch.float64), dim=2):
        for radius in far:
            field = game.field(game.pair(radius * direction))
            assert (torch.linalg.vector_norm(field, dim=1) > 1e-3).all()
