"""StackedLinear is nn.Linear, or one such for each instance."""

import torch
from torch import nn

from minimax_l2l.updaters.stacked import StackedLinear


def test_one_set_of_weights_is_torchs():
    layer, features = StackedLinear(3, 2), torch.randn(5, 3)
    plain = nn.Linear(3, 2)
    plain.load_state_dict(layer.state_dict())
    assert torch.equal(layer(features), plain(features))


def test_a_set_for_each_instance():
    layer, features = StackedLinear(3, 2), torch.randn(4, 3)
    weight, bias = torch.randn(4, 2, 3), torch.randn(4, 2)
    del layer.weight, layer.bias
    layer.weight, layer.bias = weight, bias
    expected = [w @ a + b for w, a, b in zip(weight, features, bias, strict=True)]
    torch.testing.assert_close(layer(features), torch.stack(expected))
