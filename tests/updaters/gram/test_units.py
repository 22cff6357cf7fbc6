"""player_units: ratios of what players' numbers bend, brought nearer to one."""

import pytest
import torch

from minimax_l2l.updaters.gram.past import Past
from minimax_l2l.updaters.gram.units import ALIKE, FURTHEST, player_units


def past(bend_x, bend_y, moved=(1.0, 1.0)):
    """Two numbers that moved once, x first, in an objective that bends by these."""
    sides, y = torch.tensor([-1.0, 1.0], dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    first = Past.known((sides,), y, torch.zeros_like(y), memory=3)
    move = torch.tensor([moved], dtype=torch.float64)
    change = move * torch.tensor([[bend_x, bend_y]], dtype=torch.float64)
    return Past.known(first.after(move), y + move, change, memory=3)


@pytest.mark.parametrize(
    ("bends", "expected"),
    [((1.0, 1.0), 1.0), ((1.0, ALIKE**2), 1.0), ((1.0, 1e6), 1e-3 * ALIKE), ((1e6, 1.0), 1e3 / ALIKE)],
)
def test_the_root_of_the_ratio_less_a_factor_of_ten(bends, expected):
    """One unit u of y bends f by u^2 times as much as one of y."""
    assert player_units(past(*bends)).tolist() == [[1.0, pytest.approx(expected)]]
    assert player_units(past(*bends, moved=(7.0, 1e-4))).tolist() == [[1.0, pytest.approx(expected)]]


def test_what_is_not_known_is_one():
    assert player_units(past(1.0, 1e6, moved=(1.0, 0.0))).tolist() == [[1.0, 1.0]]
    assert player_units(past(0.0, 1e6)).tolist() == [[1.0, 1.0]]
    alone = Past.known((), torch.ones(2, 3, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64), memory=3)
    assert (player_units(alone) == 1).all()


def test_numbers_whose_squares_are_zero_count_and_rounding_does_not():
    assert player_units(past(1.0, 1e6, moved=(1e-200, 1e-200))).tolist() == [[1.0, pytest.approx(1e-3 * ALIKE)]]
    assert player_units(past(1.0, 1e30))[0, 1].item() == pytest.approx(ALIKE / FURTHEST)


def test_a_rotation_of_a_players_coordinates_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    sides = torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(2, 2, generator=generator, dtype=torch.float64))
    both = torch.block_diag(turn, turn)
    moves = torch.randn(3, 4, 4, generator=generator, dtype=torch.float64)
    changes = moves * sides.new_tensor([1, 1, 1e5, 1e5])
    still = torch.zeros(3, 4, dtype=torch.float64)

    def seen(moves, changes):
        return player_units(Past(sides, torch.tensor(4), moves, changes, still, still, still))

    torch.testing.assert_close(seen(moves, changes), seen(moves @ both, changes @ both))
    assert (seen(moves, changes)[:, 2:] < 0.1).all()
