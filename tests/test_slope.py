"""Products with the derivative of a gradient: the numbers of a dense Jacobian, one counted pass each."""

import pytest
import torch
from specimens import Linear
from torch import nn
from torch.func import jacrev

from minimax_l2l import InnerProblem, Oracle, Passes
from minimax_l2l.trees import leaves, map_leaves

VECTOR = (
    torch.tensor([[0.3, -1.0], [2.0, 0.5]]).double(),
    torch.tensor([[1.0, 0.2, 0.7], [-0.4, 0.0, 3.0]]).double(),
)


class Wavy(InnerProblem):
    """f_i = exp(sum_jk x_ij c_jk sin y_ik) for x of two numbers, which descends, and y of three, which ascends."""

    signs = (-1, 1)

    def __init__(self, module=None):
        self.coupling, self.module = torch.tensor([[0.2, -0.1, 0.4], [0.3, 0.5, -0.2]]).double(), module

    def initial(self):
        return torch.tensor([[0.5, -0.2], [0.1, 0.4]]).double(), torch.tensor(
            [[0.3, 1.0, -0.5], [0.2, 0.1, 0.7]]
        ).double()

    def objective(self, y):
        x, other = leaves(y)
        inner = torch.einsum("nj,jk,nk->n", x, self.coupling, torch.sin(other))
        return torch.exp(inner) if self.module is None else self.module(inner[:, None])[:, 0]

    def dense(self, row):
        """J of one instance, by torch.func."""
        x, y = (leaf[row] for leaf in self.initial())

        def moves(z):
            value = lambda z: torch.exp(z[:2] @ self.coupling @ torch.sin(z[2:]))  # noqa: E731
            return torch.cat([-jacrev(value)(z)[:2], jacrev(value)(z)[2:]])

        return jacrev(moves)(torch.cat([x, y]))


class Half(InnerProblem):
    """f = 2 x + y^2: x's gradient is the same everywhere."""

    signs = (-1, 1)

    def initial(self):
        return torch.ones(2, 1), torch.full((2, 1), 3.0)

    def objective(self, y):
        return 2 * y[0][:, 0] + y[1][:, 0] ** 2


def slope_of(problem):
    return Oracle(problem).slope(problem.initial())


def test_the_gradient_is_the_oracles_and_carries_no_graph():
    problem = Wavy()
    for own, other in zip(slope_of(problem).gradient, Oracle(problem).gradient(problem.initial()), strict=True):
        assert torch.equal(own, other)
        assert not own.requires_grad


@pytest.mark.parametrize("row", [0, 1])
def test_products_are_those_of_the_dense_jacobian(row):
    slope, dense = slope_of(Wavy()), Wavy().dense(row)
    vector = torch.cat([leaf[row] for leaf in VECTOR])
    for _ in range(2):  # as often as one likes, in any order
        torch.testing.assert_close(torch.cat([leaf[row] for leaf in slope.times(VECTOR)]), dense @ vector)
        torch.testing.assert_close(torch.cat([leaf[row] for leaf in slope.transposed(VECTOR)]), dense.T @ vector)


def test_products_carry_no_graph_and_are_made_where_torch_records_nothing():
    slope = slope_of(Wavy())
    with torch.no_grad():
        products = (*slope.times(VECTOR), *slope.transposed(VECTOR))
    assert not any(leaf.requires_grad for leaf in products)


@pytest.mark.parametrize("module", [None, nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)).double()])
def test_a_gradient_is_one_pass_and_each_product_one_more(module):
    """Whether or not torch goes through the objective again for it: that of exp saves its own value."""
    problem = Wavy(module)
    with Oracle(problem) as oracle:
        slope = oracle.slope(problem.initial())
        assert problem.passes == Passes(forward=1, input_gradient=1)
        slope.times(VECTOR)
        assert problem.passes == Passes(forward=1, input_gradient=2)
        slope.transposed(VECTOR)
        assert problem.passes == Passes(forward=1, input_gradient=3)


def test_where_a_leafs_gradient_is_constant_its_rows_are_zero():
    slope = slope_of(Half())
    ones = map_leaves(torch.ones_like, Half().initial())
    for product in (slope.times(ones), slope.transposed(ones)):
        assert [leaf.tolist() for leaf in product] == [[[0.0], [0.0]], [[2.0], [2.0]]]


def test_where_the_whole_gradient_is_constant_products_are_zero():
    problem = Linear(torch.ones(2, 3))
    slope = slope_of(problem)
    assert slope.gradient.tolist() == problem.slope.tolist()
    for product in (slope.times(problem.slope), slope.transposed(problem.slope)):
        assert product.tolist() == torch.zeros(2, 3).tolist()


def test_inference_mode_is_refused():
    with torch.inference_mode(), pytest.raises(ValueError, match="inference_mode"):
        slope_of(Half())
