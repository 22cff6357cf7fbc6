"""Gradient queries: right numbers, right signs, counted, and constants to theta."""

import pytest
import torch
from specimens import Linear, Quadratic, Through
from torch import nn

from minimax_l2l import InnerProblem, Oracle, Passes
from tasks.games import BilinearGame

CENTRE = torch.tensor([[1.0, 2.0], [3.0, -4.0]])


def game():
    a, p, q = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 0.0]), torch.tensor([0.0, -1.0])
    return BilinearGame(a, p, q, (torch.tensor([[2.0], [1.0]]), torch.tensor([[3.0], [1.0]])))


class Other(InnerProblem):
    """An objective as it is given."""

    def __init__(self, function, start=CENTRE):
        self.function, self.start = function, start

    def initial(self):
        return self.start

    def objective(self, y):
        return self.function(y)


def test_value_and_gradient_of_a_quadratic_by_hand():
    with Oracle(Quadratic(CENTRE, 2.0)) as oracle:
        values, gradient = oracle.value_and_gradient(torch.zeros(2, 2))
        assert torch.equal(oracle.value(torch.zeros(2, 2)), values)
    assert values.tolist() == [-5.0, -25.0]
    assert gradient.tolist() == (2 * CENTRE).tolist()
    assert not gradient.requires_grad


def test_signs_turn_the_leaves_that_descend():
    problem = game()
    with Oracle(problem) as oracle:
        x, y = oracle.gradient(problem.initial())
    assert x.tolist() == [[-6.0], [-6.0]]
    assert y.tolist() == [[2.0], [3.0]]


def test_one_sign_serves_all_leaves():
    problem = game()
    problem.signs = -1.0
    with Oracle(problem) as oracle:
        x, y = oracle.gradient(problem.initial())
    assert x.tolist() == [[-6.0], [-6.0]]
    assert y.tolist() == [[-2.0], [-3.0]]


def test_a_leaf_that_the_objective_ignores_has_gradient_zero():
    problem = Other(lambda y: y[0][:, 0], start=(CENTRE, CENTRE))
    with Oracle(problem) as oracle:
        assert oracle.gradient(problem.initial())[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_queries_are_counted_and_form_no_weight_gradients():
    module = nn.Linear(2, 3)
    problem = Through(module, CENTRE)
    with Oracle(problem) as oracle:
        oracle.value(CENTRE)
        oracle.gradient(CENTRE)
        oracle.value_and_gradient(CENTRE)
    assert problem.passes == Passes(forward=3, input_gradient=2, weight_gradient=0)
    assert module.weight.grad is None


def test_problems_share_no_counter():
    one, other = Quadratic(CENTRE), Quadratic(CENTRE)
    with Oracle(one) as oracle:
        oracle.value(CENTRE)
    assert (one.passes.forward, other.passes.forward) == (1, 0)


def test_gradients_are_available_where_they_are_switched_off():
    with torch.no_grad(), Oracle(Quadratic(CENTRE)) as oracle:
        assert oracle.gradient(torch.zeros(2, 2)).tolist() == CENTRE.tolist()


def test_the_first_order_cuts_the_graph_and_the_second_keeps_it():
    y = torch.zeros(2, 2, requires_grad=True)
    with Oracle(Quadratic(CENTRE, 2.0)) as first, Oracle(Quadratic(CENTRE, 2.0), second_order=True) as second:
        assert not first.gradient(1 * y).requires_grad
        gradient = second.gradient(1 * y)
    (derivative,) = torch.autograd.grad(gradient.sum(), y)
    assert derivative.tolist() == [[-2.0, -2.0], [-2.0, -2.0]]


def test_second_derivatives_never_reach_theta():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    y = CENTRE.clone().requires_grad_()
    with Oracle(Through(module, CENTRE), second_order=True) as oracle:
        gradient = oracle.gradient(1 * y)
    gradient.sum().backward()
    assert y.grad is not None
    assert all(weight.grad is None and weight.requires_grad for weight in module.parameters())


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda y: y.sum(), r"\(\)"),
        (lambda y: y, r"\(2, 2\)"),
        (lambda y: y.sum(1, keepdim=True), r"\(2, 1\)"),
        (lambda y: 1.0, "float"),
    ],
)
@pytest.mark.parametrize("query", ["value", "gradient"])
def test_an_objective_of_another_shape_is_refused(function, got, query):
    with Oracle(Other(function)) as oracle, pytest.raises(ValueError, match=rf"shape \(2,\), got {got}; leave"):
        getattr(oracle, query)(CENTRE)


@pytest.mark.parametrize("query", ["value", "gradient"])
def test_an_objective_of_complex_numbers_is_refused(query):
    problem = Other(lambda y: torch.complex(y, y).sum(1))
    sentence = r"^objective\(y\) must return real numbers, got torch.complex64; return their real parts"
    with Oracle(problem) as oracle, pytest.raises(TypeError, match=sentence):
        getattr(oracle, query)(CENTRE)


def test_an_objective_that_ignores_y_is_refused():
    with Oracle(Other(lambda y: y.detach().sum(1))) as oracle, pytest.raises(ValueError, match="does not depend"):
        oracle.gradient(CENTRE)


def test_another_number_of_signs_than_leaves_is_refused():
    problem = Linear(CENTRE)
    problem.signs = (1.0, -1.0)
    with Oracle(problem) as oracle, pytest.raises(ValueError, match="2 signs and 1 leaves"):
        oracle.gradient(CENTRE)


def test_signs_in_a_list_are_refused():
    problem = game()
    problem.signs = [-1.0, 1.0]
    with Oracle(problem) as oracle, pytest.raises(ValueError, match=r"got the list \[-1.0, 1.0\]; .* a tuple"):
        oracle.gradient(problem.initial())


@pytest.mark.parametrize("query", [Oracle.gradient, Oracle.slope])
def test_an_objective_that_changes_y_in_place_is_told(query):
    class Doubled(Quadratic):
        def objective(self, y):
            return super().objective(y.mul_(2))

    with pytest.raises(ValueError, match=r"changes the y that it is given in place.*write y = y \+ m"):
        query(Oracle(Doubled(torch.ones(2, 1))), torch.ones(2, 1))


def test_other_errors_of_an_objective_come_as_they_are():
    class Broken(Quadratic):
        def objective(self, y):
            raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own") as caught:
        Oracle(Broken(torch.ones(2, 1))).gradient(torch.ones(2, 1))
    assert caught.value.__cause__ is None
