"""A network as a function of its weights."""

import pytest
import torch
from torch import nn
from torch.func import vmap

from minimax_l2l import flat_weights, with_weights


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def test_its_own_weights_give_what_it_returns(net):
    weights, x = flat_weights(net), torch.randn(5, 2)
    assert weights.shape == (1, 13)
    assert not weights.requires_grad
    assert torch.equal(with_weights(net, weights[0], x), net(x))


def test_a_line_by_hand():
    line = nn.Linear(2, 1)
    before = flat_weights(line)
    weights = torch.tensor([2.0, -1.0, 0.5], requires_grad=True)
    value = with_weights(line, weights, torch.tensor([[3.0, 4.0]]))
    assert value.item() == 2.5
    value.sum().backward()
    assert weights.grad.tolist() == [3.0, 4.0, 1.0]
    assert torch.equal(flat_weights(line), before)
    assert line.weight.grad is None


def test_several_networks_at_once(net):
    weights, x = torch.randn(4, 13), torch.randn(4, 5, 2)
    both = vmap(lambda row, given: with_weights(net, row, given))(weights, x)
    singly = torch.stack([with_weights(net, row, given) for row, given in zip(weights, x, strict=True)])
    torch.testing.assert_close(both, singly)


def test_wrong_values_are_refused(net):
    x = torch.zeros(1, 2)
    with pytest.raises(ValueError, match=r"one vector of shape \(13,\), got shape \(1, 13\); pass one row"):
        with_weights(net, flat_weights(net), x)
    with pytest.raises(TypeError, match="weights must be a tensor, got list"):
        with_weights(net, [1.0] * 13, x)
    with pytest.raises(TypeError, match="module must be a torch module, got the class Linear"):
        flat_weights(nn.Linear)
    with pytest.raises(ValueError, match="module is a Tanh without weights"):
        flat_weights(nn.Tanh())
