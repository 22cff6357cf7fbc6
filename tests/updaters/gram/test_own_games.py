"""The shipped optimizer on games of one's own: after a rest, in sets, at kinks, in any unit of f."""

import pytest
import torch

from minimax_l2l import Box, LearnedOptimizer, Product, Simplex
from minimax_l2l.constraints.base import Constraint
from minimax_l2l.iterate import Iterate
from tasks.games.game import Game

SHIPPED = LearnedOptimizer.from_pretrained("gram-games")


class Own(Game):
    """A formula of x and y, many starts at a time."""

    def __init__(self, start, formula, constraint: Constraint | None = None):
        super().__init__(start)
        self.formula, self.watched = formula, True
        if constraint is not None:
            self.constraint = constraint

    def objective(self, pair):
        return self.formula(*pair)


def end(game, steps, start=None):
    with torch.no_grad():
        return SHIPPED.maximize(game, steps=steps, start=start)


def at(*value):
    return tuple(torch.tensor([[one]], dtype=torch.float64) for one in value)


def randomly(count, size, seed=0, draw=torch.rand):
    generator = torch.Generator().manual_seed(seed)
    return tuple(draw(count, size, generator=generator, dtype=torch.float64) for _ in "xy")


@pytest.mark.parametrize("steps", [1, 3, 6, 10, 30])
@pytest.mark.parametrize("begun", [0.0, 2.0])
def test_play_goes_on_however_long_it_was_at_rest(steps, begun):
    """The solution lay at (0, 0), where play came to rest or began; now it lies at (1, 1)."""
    rest = end(Own(at(begun, begun), lambda x, y: (x * y).sum(1)), steps)
    later = end(Own(at(0.0, 0.0), lambda x, y: ((x - 1) * (y - 1)).sum(1)), 50, start=rest)
    torch.testing.assert_close(later.y, at(1.0, 1.0))


def matrix_game(matrix, start):
    return Own(start, lambda x, y: torch.einsum("ni,nij,nj->n", x, matrix, y), Product(Simplex(), Simplex()))


def regret(matrix, pair):
    """How much both players could gain together by an answer of their own."""
    x, y = pair
    return torch.einsum("ni,nij->nj", x, matrix).amax(1) - torch.einsum("nij,nj->ni", matrix, y).amin(1)


@pytest.mark.parametrize("corner", [False, True])
def test_no_corner_of_a_simplex_holds_a_matrix_game(corner):
    """A whole step that leads out of the set moves nothing, and still says where not to go."""
    matrix = torch.randn(300, 2, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    weights = torch.eye(2, dtype=torch.float64)[:1] if corner else torch.full((1, 2), 0.5, dtype=torch.float64)
    start = weights.expand(300, 2)
    assert (regret(matrix, end(matrix_game(matrix, (start, start)), 100).y) < 1e-6).all()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e4, 1e6])
def test_in_a_set_the_unit_of_f_says_nothing(scale):
    box = Product(Box(0.0, 1.0), Box(0.0, 1.0))
    game = Own(randomly(50, 1), lambda x, y: scale * ((x - 0.3) * (y - 0.6)).sum(1), box)
    found = torch.cat(end(game, 60).y, dim=1)
    assert (torch.linalg.vector_norm(found - found.new_tensor([0.3, 0.6]), dim=1) < 1e-3).all()


def test_a_start_near_the_solution_says_nothing_of_the_unit_of_f():
    """Its gradient is short; the solution moves away afterwards."""
    box = Product(Box(0.0, 1.0), Box(0.0, 1.0))
    near = end(Own(at(0.3 + 1e-9, 0.6), lambda x, y: ((x - 0.3) * (y - 0.6)).sum(1), box), 3)
    later = end(Own(at(0.0, 0.0), lambda x, y: ((x - 0.8) * (y - 0.1)).sum(1), box), 100, start=near)
    torch.testing.assert_close(later.y, at(0.8, 0.1))


def test_a_kink_is_no_reason_for_nan():
    """Beside one the slope changes by 1 over whatever short way."""
    start = (torch.randn(2, 1000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).unbind()
    game = Own(start, lambda x, y: (torch.relu(x) - torch.relu(y) + x * y).sum(1))
    assert all(leaf.isfinite().all() for leaf in end(game, 60).y)


def test_anew_it_needs_no_past():
    """Where play goes on without what it remembers, it probes again."""
    rest = end(Own(at(2.0, 2.0), lambda x, y: (x * y).sum(1)), 20)
    later = end(Own(at(0.0, 0.0), lambda x, y: ((x - 1) * (y - 1)).sum(1)), 10, start=Iterate(rest.y))
    torch.testing.assert_close(later.y, at(1.0, 1.0))
