"""Second derivatives from past steps: exact where all was seen, what was assumed where nothing was."""

import pytest
import torch

from minimax_l2l.updaters.gram import secants
from minimax_l2l.updaters.gram.secants import NOTHING_NEW, curvature


def symmetric(count, size):
    half = torch.randn(count, size, size, dtype=torch.float64)
    return half + half.mT


def seen_by(matrix, steps):
    steps = torch.nn.functional.normalize(steps, dim=2)
    return curvature(steps, steps @ matrix, torch.ones(len(matrix), matrix.shape[1], dtype=torch.float64))


def test_one_step_by_hand():
    """H along (1, 0) is (3, 4); across it stays what was assumed, 5, and the matrix stays symmetric."""
    step, rate = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[3.0, 4.0]]])
    found = curvature(step, rate, torch.tensor([[-1.0, 1.0]]))
    assert found.size.tolist() == [5.0]
    torch.testing.assert_close(found.matrix, torch.tensor([[[3.0, 4.0], [4.0, 5.0]]]))
    assert found.doubt.tolist() == [0.0]


@pytest.mark.parametrize("size", [4, 70])
def test_as_many_steps_as_dimensions_show_all(size):
    matrix = symmetric(3, size)
    found = seen_by(matrix, torch.randn(3, 3 * size // 2, size, dtype=torch.float64))
    torch.testing.assert_close(found.matrix, matrix, rtol=1e-6, atol=1e-6)
    assert (found.doubt < 1e-8).all()


def test_what_was_seen_is_kept_and_the_rest_assumed():
    matrix, steps = symmetric(3, 5), torch.randn(3, 2, 5, dtype=torch.float64)
    found = seen_by(matrix, steps)
    torch.testing.assert_close(steps @ found.matrix, steps @ matrix)
    across = torch.linalg.qr(steps.mT, mode="complete")[0][:, :, 2:]
    assumed = found.size[:, None, None] * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(across.mT @ found.matrix @ across, assumed)


def test_blocks_change_nothing(monkeypatch):
    """Among the steps are some that add nothing to newer ones, and more than there are dimensions."""
    steps, rates = torch.randn(2, 3, 90, 60, dtype=torch.float64)
    steps[:, 10:30] = torch.randn(20, 10, dtype=torch.float64) @ steps[:, :10]
    steps, assumed = torch.nn.functional.normalize(steps, dim=2), torch.ones(3, 60, dtype=torch.float64)
    found = curvature(steps, rates, assumed)
    monkeypatch.setattr(secants, "BLOCK", 1000)
    for one, other in zip(found, curvature(steps, rates, assumed), strict=True):
        torch.testing.assert_close(one, other)


def test_newer_steps_count_first():
    """Along one direction the older of two different answers is not heard."""
    steps = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    found = curvature(steps, torch.tensor([[[2.0, 0.0], [7.0, 0.0]]]), torch.ones(1, 2))
    assert found.matrix[0, 0, 0] == 2


def test_a_step_that_adds_next_to_nothing_is_not_heard():
    steps = torch.nn.functional.normalize(torch.tensor([[[1.0, 0.0], [1.0, NOTHING_NEW / 2]]]), dim=2)
    found = curvature(steps, torch.tensor([[[2.0, 0.0], [2.0, 9.0]]]), torch.ones(1, 2))
    assert found.matrix[0, 1, 1] == found.size


def test_doubt_is_how_far_from_symmetric():
    steps = torch.eye(2)[None]
    found = curvature(steps, torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]]), torch.ones(1, 2))
    torch.testing.assert_close(found.doubt, torch.tensor([2.0**0.5]))


def test_where_nothing_moved_nothing_is_infinite():
    found = curvature(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), torch.ones(2, 4))
    assert found.matrix.isfinite().all()
    assert found.size.tolist() == [1, 1]
