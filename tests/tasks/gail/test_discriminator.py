"""The discriminator: a function of one flat vector, in the order torch gives it."""

import math

import pytest
import torch
from gymnasium import spaces
from torch.nn.utils import vector_to_parameters

from tasks.gail.discriminator import Discriminator

OBSERVATIONS = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
DISCRETE = spaces.Discrete(3)
BOX = spaces.Box(-1, 1, (2,))


def discrete(hidden=(4,)):
    return Discriminator(OBSERVATIONS, torch.tensor([0, 2]), DISCRETE, hidden)


def test_pairs_are_standardised_by_the_expert_and_discrete_actions_one_hot():
    """Mean (2, 10), deviation (1, 0): the constant coordinate is only shifted, one-hot columns stay as they are."""
    encoded = discrete().encode(torch.tensor([[5.0, 11.0]]), torch.tensor([1]))
    assert encoded.tolist() == [[3.0, 1.0, 0.0, 1.0, 0.0]]


def test_what_the_expert_never_came_near_is_cut_at_ten():
    encoded = discrete().encode(torch.tensor([[1e6, -1e6]]), torch.tensor([1]))
    assert encoded[0, :2].tolist() == [10.0, -10.0]


def test_what_lies_outside_is_the_policys_the_surer_the_farther():
    """Mean 2, deviation 1: 5 is at three deviations, where it begins; 2 + 3 e at one e-fold, 2 + 3 e^4 at four."""
    inside, outside = discrete(), discrete()
    outside.outside = 2.0
    away = torch.tensor([[2.0, 10.0], [5.0, 10.0], [2 + 3 * math.e, 10.0], [2 - 3 * math.e**4, 10.0]])
    weights, actions = torch.randn(inside.size), torch.tensor([0, 1, 2, 0])
    plain, more = (made(weights, made.encode(away, actions)) for made in (inside, outside))
    torch.testing.assert_close(more - plain, torch.tensor([0.0, 0.0, 2.0, 8.0]), rtol=1e-4, atol=1e-5)


def test_continuous_actions_are_standardised_too():
    made = Discriminator(OBSERVATIONS, torch.tensor([[0.0, 1.0], [1.0, 1.0]]), BOX, (4,))
    encoded = made.encode(torch.tensor([[2.0, 10.0]]), torch.tensor([[1.0, 1.0]]))
    assert encoded.tolist() == [[0.0, 0.0, 1.0, 0.0]]


def test_the_papers_size_for_cartpole():
    """6 inputs -> 64 -> 32 -> 1: 448 + 2,080 + 33 = 2,561."""
    made = Discriminator(torch.randn(9, 4), torch.arange(9) % 2, spaces.Discrete(2))
    assert made.size == 2561
    assert made.first_weights().shape == (1, 2561)
    assert made.shapes == ((64, 6), (32, 64), (1, 32))


def test_equals_the_network_with_the_same_weights():
    made, pairs = discrete((4, 3)), torch.randn(7, 5)
    weights = torch.randn(made.first_weights().shape[1])
    logits = made(weights, pairs)
    vector_to_parameters(weights, made.net.parameters())
    assert torch.equal(logits, made.net(pairs).squeeze(-1))


def test_has_no_parameters_to_train_but_its_input():
    made = discrete()
    assert not any(parameter.requires_grad for parameter in made.parameters())
    weights = made.first_weights()[0].requires_grad_()
    made(weights, torch.randn(7, 5)).sum().backward()
    assert weights.grad.abs().sum() > 0


def test_a_linear_one():
    assert discrete(()).first_weights().shape == (1, 6)


def test_refuses_a_width_of_nothing():
    with pytest.raises(ValueError, match=r"hidden\[\d\] must be at least 1"):
        discrete((0,))
