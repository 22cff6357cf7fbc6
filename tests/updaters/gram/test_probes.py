"""The first two steps by hand: who moves, how far at most, and who is asked next."""

import pytest
import torch

from minimax_l2l.updaters.gram.past import Past
from minimax_l2l.updaters.gram.probes import first_probe, second_probe

SIDES = torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64)


def after(gradient, move=None, sides=SIDES):
    """The past of one instance with a gradient, and with a last move."""
    gradient = torch.tensor([gradient], dtype=torch.float64)
    none = gradient.new_zeros(1, 3, gradient.shape[1])
    if move is not None:
        none[0, 0] = torch.tensor(move, dtype=torch.float64)
    calls = torch.tensor(int(move is not None))
    return Past(sides, calls, none, torch.zeros_like(none), gradient, gradient, gradient)


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [
        ([3.0, -4.0, 7.0], [0.3, -0.4, 0.0]),  # of who descends alone
        ([30.0, -40.0, 7.0], [0.6, -0.8, 0.0]),  # not longer than 1
        ([0.0, 1e-9, 7.0], [0.0, 1e-10, 0.7]),  # who descends would not move anything
    ],
)
def test_the_first(gradient, expected):
    step, usual, least = first_probe(after(gradient), 0.1)
    torch.testing.assert_close(step, torch.tensor([expected], dtype=torch.float64))
    torch.testing.assert_close(usual, torch.linalg.vector_norm(step, dim=1))
    assert least.item() == 0


PLANNED = torch.full((1, 3), 9.0, dtype=torch.float64)


@pytest.mark.parametrize(
    ("gradient", "move", "expected"),
    [
        ([3.0, 4.0, 51.0], [6.0, 8.0, 0.0], [0.0, 0.0, 5.1]),  # more than ten times as long
        ([3.0, 4.0, 51.0], [0.3, 0.4, 0.0], [0.0, 0.0, 0.5]),  # not longer than the first one
        ([3.0, 4.0, 49.0], [0.3, 0.4, 0.0], [9.0, 9.0, 9.0]),
        ([3.0, 4.0, 51.0], [0.3, 0.4, 0.1], [9.0, 9.0, 9.0]),  # who ascends has moved
        ([3.0, 4.0, 51.0], [0.0, 0.0, 0.0], [9.0, 9.0, 9.0]),  # a set held the other one
    ],
)
def test_the_second(gradient, move, expected):
    step = second_probe(after(gradient, move), PLANNED, 0.1)
    torch.testing.assert_close(step, torch.tensor([expected], dtype=torch.float64))


def test_whether_the_last_move_was_a_probe():
    """The first one, or the second of who ascends alone; where all ascend there is only one."""
    moved, alone = [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]
    calls = [torch.tensor(count) for count in range(4)]
    told = {
        (count, name): bool(after([1.0] * 3, move)._replace(calls=calls[count]).probed)
        for count in range(1, 4)
        for name, move in {"both": moved, "alone": alone}.items()
    }
    assert {key for key, probed in told.items() if probed} == {(1, "both"), (1, "alone"), (2, "alone")}
    climbing = after([1.0] * 3, alone, sides=SIDES.abs())._replace(calls=calls[2])
    assert not climbing.probed
