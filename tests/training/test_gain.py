"""The numbers of one batch: how large y_K is, how far outside its set, and what it is worth."""

import pytest
import torch
from specimens import Quadratic
from torch import nn

from minimax_l2l import Box, InnerProblem
from minimax_l2l.training.gain import measure, rise
from minimax_l2l.trees import largest


def quadratic():
    return Quadratic(torch.ones(2, 2), torch.tensor([1.0, 2.0]))


def test_the_numbers_by_hand():
    numbers = measure(quadratic(), torch.tensor([[1.0, 0.0], [2.0, 3.0]]))
    assert numbers["inner_size"] == 3
    assert numbers["inner_violation"] == 0
    # f(0) = -1.5; f of the two is -1 and -4.5
    assert numbers["inner_gain"] == pytest.approx((0.5 - 3.0) / 2, abs=1e-6)


def test_the_sizes_of_leaves():
    assert largest((torch.tensor([[1.0], [-4.0]]), torch.tensor([[2.0], [3.0]]))) == 4
    assert largest(torch.empty(0, 3)) == 0


def test_measuring_leaves_passes_and_random_numbers_alone():
    class Random(Quadratic):
        def objective(self, y):
            return super().objective(y + 0 * torch.rand_like(y))

    problem = Random(torch.ones(2, 2))
    state = torch.get_rng_state()
    measure(problem, torch.ones(2, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert problem.passes.forward == 0


def test_theta_s_modes_are_left_alone():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    network.train()

    class Through(Quadratic):
        module = network

        def objective(self, y):
            return network(y).sum(1)

    mean = network[1].running_mean.clone()
    measure(Through(torch.ones(3, 2)), torch.ones(3, 2))
    assert network.training
    assert torch.equal(network[1].running_mean, mean)


class Pair(InnerProblem):
    """f = 2 x y + x^2: x descends, y ascends."""

    signs = (-1.0, 1.0)

    def initial(self):
        return torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0], [2.0]])

    def objective(self, y):
        return (2 * y[0] * y[1] + y[0].square()).sum(1)


def test_a_pair_by_hand():
    numbers = measure(Pair(), (torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [0.0]])))
    # F = (-(2 y + 2 x), 2 x): of lengths 6 and 2 sqrt(2) at the end, sqrt(20) and 4 at the start
    assert numbers["inner_residual"] == pytest.approx((6 + 8**0.5) / 2, abs=1e-6)
    assert numbers["inner_gain"] == pytest.approx((20**0.5 + 4 - 6 - 8**0.5) / 2, abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_short_step_by_hand(sign):
    class Sum(InnerProblem):
        """f = y_1 + y_2 / 2 on the box [-1, 1]^2; y stands at its upper corner, or at its lower one."""

        constraint = Box(-1.0, 1.0)

        def initial(self):
            raise AssertionError

        def objective(self, y):
            return y[:, 0] + y[:, 1] / 2

    problem = Sum()
    problem.signs = sign
    # from (1, -1) up: y_1 stays at its edge, y_2 gains half of 0.01, and f half of that
    assert rise(problem, torch.tensor([[1.0, -1.0]])) == pytest.approx(0.0025 if sign == 1 else 0.01, abs=1e-6)
    assert rise(problem, torch.tensor([[-1.0, -1.0]])) == pytest.approx(0.0125 if sign == 1 else 0.0, abs=1e-6)
    assert rise(problem, torch.zeros(1, 2)) == pytest.approx(0.0125, abs=1e-6)


def test_a_short_step_where_there_is_no_slope():
    assert rise(quadratic(), torch.ones(2, 2) * torch.tensor([[1.0, 1.0]])) == 0


def test_asking_counts_no_pass_and_leaves_random_numbers():
    problem, state = quadratic(), torch.get_rng_state()
    rise(problem, torch.zeros(2, 2))
    assert problem.passes.input_gradient == 0
    assert torch.equal(state, torch.get_rng_state())
