"""Newton's step: exact at minimax points, away from others, with a derivative where eigenvalues agree."""

import pytest
import torch

from minimax_l2l.updaters.gram.equilibrium import equilibrium, positive_inverse
from minimax_l2l.updaters.gram.secants import Curvature


def known(matrix, doubt=0.0):
    matrix = torch.as_tensor(matrix, dtype=torch.float64)[None]
    size = torch.linalg.matrix_norm(matrix, 2)
    return Curvature(matrix, torch.eye(matrix.shape[1]).to(matrix)[None], size, torch.tensor([doubt]).to(matrix))


def step_from(matrix, point, leaders=1, patience=1.0, doubt=0.0):
    point = torch.tensor(point, dtype=torch.float64)
    slope = torch.as_tensor(matrix, dtype=torch.float64) @ point
    patience = torch.tensor([patience], dtype=torch.float64)
    return equilibrium(known(matrix, doubt), slope[None], leaders, patience)[0]


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.0, 1.0], [1.0, 0.0]],  # f = xy
        [[2.0, 1.0], [1.0, -3.0]],  # Nash
        [[-6.0, 4.0], [4.0, -2.0]],  # local minimax: y answers, and x then does not gain
    ],
)
def test_at_a_minimax_point_it_is_newtons(matrix):
    moved = step_from(matrix, [0.3, -0.8])
    torch.testing.assert_close(moved, -torch.tensor([0.3, -0.8], dtype=torch.float64), rtol=1e-4, atol=1e-4)


def test_of_several_numbers_too():
    half = torch.randn(3, 3, dtype=torch.float64)
    matrix = torch.block_diag(half @ half.T, torch.zeros(2, 2).double())
    matrix[:3, 3:] = torch.randn(3, 2)
    matrix[3:, :3] = matrix[:3, 3:].T
    matrix[3:, 3:] = -torch.eye(2)
    point = torch.randn(5, dtype=torch.float64)
    torch.testing.assert_close(step_from(matrix, point.tolist(), leaders=3), -point)


def test_where_y_gains_by_leaving_it_leaves_and_x_waits():
    dx, dy = step_from([[6.0, 4.0], [4.0, 2.0]], [1.0, 1.0])  # 3 x^2 + 4 xy + y^2
    assert dx == 0
    torch.testing.assert_close(dy, torch.tensor(3.0, dtype=torch.float64))  # f_y / |f_yy|, upwards


def test_x_does_not_wait_for_what_is_in_doubt_or_has_not_been_seen():
    rising = [[6.0, 4.0], [4.0, 2.0]]
    assert step_from(rising, [1.0, 1.0], doubt=2.5)[0] != 0
    assert step_from(rising, [1.0, 1.0], patience=10.0)[0] != 0
    half_seen = known(rising)._replace(seen=torch.tensor([[[1.0], [0.0]]], dtype=torch.float64))
    assert equilibrium(half_seen, torch.ones(1, 2).double(), 1, torch.ones(1).double())[0, 0] != 0


@pytest.mark.parametrize("coupling", [1.0, 3.0])
@pytest.mark.parametrize("gain", [0.001, 0.01, 0.02, 0.05, 0.2])
def test_a_point_that_y_gains_little_by_leaving_repels_too(gain, coupling):
    """At the origin of x^2 / 2 + b xy + e y^2 / 2 the map of one step has an eigenvalue of size 1.3 or more."""
    matrix = [[1.0, coupling], [coupling, gain]]
    columns = [torch.eye(2, dtype=torch.float64)[place] for place in range(2)]
    linear = torch.stack([one + step_from(matrix, one.tolist()) for one in columns], dim=1)
    assert torch.linalg.eigvals(linear).abs().max() > 1.3


def test_what_y_gains_in_a_direction_that_was_not_seen_whole_is_no_gain():
    """Of 0.9999 that was seen, 0.02 of what is believed may be the other player's."""
    matrix = [[1.0, 1.0], [1.0, 0.01]]
    slope = torch.tensor([[1.0, 1.0]], dtype=torch.float64)
    whole = known(matrix)
    seen = torch.tensor([[[1e-2], [(1 - 1e-4) ** 0.5]]], dtype=torch.float64)
    steps = [equilibrium(one, slope, 1)[0] for one in (whole, whole._replace(seen=seen))]
    torch.testing.assert_close(steps[0], torch.tensor([-1.0, 100.0], dtype=torch.float64))  # each as if alone
    anticipating = -(1 + 1 / 0.01) / (1 + 1 / 0.01)
    assert steps[1][0].item() == pytest.approx(anticipating)
    assert steps[1][1].item() == pytest.approx((1 + anticipating) / 0.01, abs=1e-9)


def test_where_x_would_gain_it_leaves():
    dx, _ = step_from([[-6.0, 0.0], [0.0, -2.0]], [1.0, 1.0])
    torch.testing.assert_close(dx, torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("leaders", [0, 2])
def test_one_player_alone_climbs_or_descends(leaders):
    sign = 1.0 if leaders else -1.0
    moved = step_from([[2.0 * sign, 0.0], [0.0, 5.0 * sign]], [1.0, -1.0], leaders=leaders)
    torch.testing.assert_close(moved, torch.tensor([-1.0, 1.0], dtype=torch.float64))


def test_numbers_that_are_lost_stay_lost():
    lost = known([[0.0, 1.0], [1.0, 0.0]])
    lost = lost._replace(matrix=torch.full_like(lost.matrix, torch.nan))
    slope = torch.full((1, 2), torch.nan, dtype=torch.float64)
    assert equilibrium(lost, slope, 1, torch.ones(1).double()).isnan().all()


def test_the_inverse_of_absolute_values():
    matrix = torch.tensor([[[0.0, 2.0], [2.0, 0.0]]])  # eigenvalues 2 and -2
    torch.testing.assert_close(positive_inverse(matrix, torch.tensor([0.1])), 0.5 * torch.eye(2)[None])
    torch.testing.assert_close(positive_inverse(torch.zeros(1, 2, 2), torch.tensor([0.1])), 10 * torch.eye(2)[None])


@pytest.mark.parametrize("values", [(1.0, -2.0, 3.0), (2.0, 2.0, 2.0), (1.0, 1.0, -4.0)])
def test_its_derivative_is_right_where_eigenvalues_agree_too(values):
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    matrix = (rotation @ torch.diag(torch.tensor(values).double()) @ rotation.T)[None].requires_grad_()
    least = torch.tensor([1e-3], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda m: positive_inverse((m + m.mT) / 2, least), matrix)
