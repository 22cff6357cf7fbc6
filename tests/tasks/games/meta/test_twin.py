"""The pair of LSTMs: each moves its own player's coordinates, and nothing of the other's."""

import pytest
import torch

from minimax_l2l.testing.probes import stirred
from tasks.games.meta.twin import TwinUpdater

SIGNS = (-1.0, 1.0)


def pair(n=3):
    return torch.randn(n, 2), torch.randn(n, 4)


def test_a_step_is_that_of_the_players_own_network_coordinate_by_coordinate():
    updater, y, features = stirred(TwinUpdater(hidden=3)), pair(), torch.randn(3, 1, 6)
    ascends, *memory = updater.begin(y, SIGNS)
    hidden, cell = (torch.randn_like(part) for part in memory)
    update, (_, after, _) = updater(features, (ascends, hidden, cell))
    for i in range(3):
        for j in range(6):
            own, k = int(j >= 2), slice(6 * i + j, 6 * i + j + 1)
            h, _ = updater.cells[own](features[i, :, j][None], (hidden[k], cell[k]))
            torch.testing.assert_close(after[k], h)
            expected = updater.heads[own](h)[0, 0] + updater.skip * features[i, 0, j]
            torch.testing.assert_close(update[i, j], expected)


@pytest.mark.parametrize("player", [0, 1])
def test_other_weights_of_one_player_leave_the_other_alone(player):
    updater, features = stirred(TwinUpdater()), torch.randn(3, 1, 6)
    state = updater.begin(pair(), SIGNS)
    before, _ = updater(features, state)
    with torch.no_grad():
        for weight in (*updater.cells[player].parameters(), *updater.heads[player].parameters()):
            weight.add_(0.1)
    after, _ = updater(features, state)
    own = torch.tensor([[True] * 2 + [False] * 4]) if player == 0 else torch.tensor([[False] * 2 + [True] * 4])
    assert ((after != before) == own).all()


def test_before_training_a_step_is_gain_times_the_gradient():
    updater, features = TwinUpdater(gain=0.3), torch.randn(3, 1, 6)
    update, _ = updater(features, updater.begin(pair(), SIGNS))
    assert torch.equal(update, torch.tensor(0.3) * features[:, 0])


def test_features_of_another_width_are_refused():
    updater = TwinUpdater()
    with pytest.raises(ValueError, match=r"TwinUpdater was built for inputs=1.*pass inputs=2"):
        updater(torch.zeros(3, 2, 6), updater.begin(pair(), SIGNS))
