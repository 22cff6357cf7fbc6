"""Consensus optimization and symplectic gradient adjustment, by hand and against dense Jacobians."""

import pytest
import torch
from duels import by_hand, path, xy

from minimax_l2l import ConsensusOptimization, GradientAscent, SymplecticAdjustment
from tasks.games import SUITE
from tasks.games.kinds import field_jacobian


def test_two_consensus_steps_by_hand():
    by_hand(ConsensusOptimization(steps=2, step_size=0.1, gamma=0.5), xy(), (0.95, 0.1), (0.8925, 0.19))


def test_two_adjusted_steps_by_hand():
    by_hand(SymplecticAdjustment(steps=2, step_size=0.1), xy(), (0.9, 0.1), (0.8, 0.18))


def test_consensus_without_gamma_is_gradient_play():
    game = SUITE["func4"].sample(4)
    one, other = ConsensusOptimization(steps=3, step_size=0.01, gamma=0), GradientAscent(steps=3, step_size=0.01)
    assert torch.equal(path(one, game, 3), path(other, game, 3))


def formulas(game, step_size, gamma):
    """One step of consensus and of both adjustments, from the field and its dense derivative."""
    field, jacobian = game.field(game.start).detach(), field_jacobian(game, game.start)
    pulled = (jacobian.mT @ field[:, :, None])[:, :, 0]
    turned = ((jacobian - jacobian.mT).mT @ field[:, :, None])[:, :, 0] / 2
    sign = torch.sign((field * pulled).sum(1) * (turned * pulled).sum(1) / field.shape[1] + 0.1)[:, None]
    here = torch.cat(game.start, dim=1)
    return (
        here - step_size * (field + gamma * pulled),
        here - step_size * (field + turned),
        here - step_size * (field + sign * turned),
        sign,
    )


@pytest.mark.parametrize("family", ["matrix-5-printed", "ridge-3", "func4-wide", "lower-bound", "covariance-4"])
def test_steps_are_those_of_dense_formulas(family):
    game = SUITE[family].sample(6)
    consensus, unaligned, aligned, _ = formulas(game, 0.01, 0.7)
    for optimizer, wanted in (
        (ConsensusOptimization(steps=1, step_size=0.01, gamma=0.7), consensus),
        (SymplecticAdjustment(steps=1, step_size=0.01, align=False), unaligned),
        (SymplecticAdjustment(steps=1, step_size=0.01), aligned),
    ):
        torch.testing.assert_close(path(optimizer, game, 1)[1], wanted)


def test_the_aligned_sign_turns_where_the_point_repels():
    game = SUITE["lower-bound"].sample(6)
    game.start = tuple(5 * leaf for leaf in game.start)
    assert (formulas(game, 0.01, 0.7)[3] == -1).all()


def test_consensus_goes_to_a_point_that_no_player_wants_and_the_adjustment_does_not():
    game = SUITE["swapped-saddle"].sample(5)
    assert torch.cat(ConsensusOptimization(steps=100, step_size=0.01).maximize(game).y).abs().max() < 1e-3
    game.watched = True
    assert torch.cat(SymplecticAdjustment(steps=100, step_size=0.01).maximize(game).y).abs().min() > 10
