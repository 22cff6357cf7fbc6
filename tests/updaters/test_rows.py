"""Rows: a neuron's weights and bias together, whatever its number, in the order of torch's flat vector."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from minimax_l2l import RowUpdater
from minimax_l2l.testing.probes import stirred

SHAPES = ((4, 3), (2, 4))  # 3 -> 4 -> 2: 16 and 10 numbers


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def test_each_neuron_goes_through_its_layers_perceptron_with_its_bias_last():
    updater, features = stirred(RowUpdater(SHAPES)), torch.randn(1, 2, 26)
    update, state = updater(features, ())
    moved, given = network(), [network(), network()]
    vector_to_parameters(update[0], moved.parameters())
    for feature, holder in zip(features[0], given, strict=True):
        vector_to_parameters(feature, holder.parameters())
    for perceptron, layer in zip(updater.layers, (0, 2), strict=True):
        for neuron in range(len(moved[layer].bias)):
            row = torch.cat(
                [torch.cat([one[layer].weight[neuron], one[layer].bias[neuron, None]]) for one in given]
            )
            expected = torch.cat([moved[layer].weight[neuron], moved[layer].bias[neuron, None]])
            torch.testing.assert_close(perceptron(row), expected)
    assert state == ()


def test_a_neuron_moves_with_its_own_numbers_only():
    updater, features = stirred(RowUpdater(SHAPES)), torch.randn(2, 2, 26)
    before = updater(features, ())[0]
    features[0, 1, 3 + 1] += 1  # the gradient of the second weight of the first layer's second neuron
    moved = (updater(features, ())[0] != before).nonzero().tolist()
    assert moved == [[0, entry] for entry in (3, 4, 5, 13)]


def test_the_order_of_hidden_neurons_does_not_matter():
    """A layer's rows are shuffled, the next layer's columns stay: each row's update moves along with it."""
    updater, features = stirred(RowUpdater(SHAPES)), torch.randn(1, 2, 26)
    order = torch.tensor([2, 0, 3, 1])
    place = torch.cat([torch.arange(12).view(4, 3)[order].flatten(), 12 + order, torch.arange(16, 26)])
    torch.testing.assert_close(updater(features[..., place], ())[0], updater(features, ())[0][:, place])


def test_its_weights_are_those_of_a_dense_updater_of_each_row():
    """Rows of r = 7, 65 and 33: 52 r^2 + 13 r + 2 each."""
    updater = RowUpdater(((64, 6), (32, 64), (1, 32)))
    count = sum(parameter.numel() for parameter in updater.parameters())
    assert count == sum(52 * r**2 + 13 * r + 2 for r in (7, 65, 33)) == 280_247


def test_before_training_updates_are_zero():
    theta = parameters_to_vector(network().parameters()).detach()
    update, _ = RowUpdater(SHAPES)(torch.stack([theta, theta])[None], ())
    assert update.shape == (1, 26)
    assert not update.any()


@pytest.mark.parametrize("shapes", [(), ((4,),), ((4, 3, 2),)])
def test_shapes_that_are_no_matrices_are_refused(shapes):
    with pytest.raises(ValueError, match=r"needs the shape \(outputs, inputs\) of each weight matrix, got"):
        RowUpdater(shapes)


def test_another_number_of_coordinates_is_refused():
    with pytest.raises(ValueError, match="RowUpdater was built for size=26 coordinates, got 25"):
        RowUpdater(SHAPES)(torch.zeros(1, 2, 25), ())
