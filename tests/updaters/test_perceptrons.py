"""Perceptrons: their number of weights, their start, and which coordinates see each other."""

from functools import partial

import pytest
import torch
from advised import built
from torch import nn

import minimax_l2l
from minimax_l2l import DenseMLPUpdater, LowRankUpdater, MLPUpdater, RNNUpdater, RowUpdater
from minimax_l2l.testing.probes import stirred


@pytest.mark.parametrize("event", [(), (5,), (2, 3), (1, 4, 4)])
def test_an_update_is_shaped_as_the_inner_variable(event):
    update, state = MLPUpdater()(torch.randn(3, 2, *event), ())
    assert update.shape == (3, *event)
    assert state == ()


def test_every_coordinate_is_treated_alike():
    updater, features = stirred(MLPUpdater()), torch.randn(3, 2, 5)
    order = torch.tensor([4, 2, 0, 1, 3])
    torch.testing.assert_close(updater(features[..., order], ())[0], updater(features, ())[0][:, order])


def test_the_size_does_not_depend_on_the_number_of_coordinates():
    """2 x 16 + 16, 16 x 16 + 16 and 16 + 1 weights, and one slope for each of two PReLUs."""
    assert sum(parameter.numel() for parameter in MLPUpdater().parameters()) == 48 + 272 + 17 + 2


def test_before_training_updates_are_zero():
    assert not MLPUpdater()(torch.randn(3, 2, 4), ())[0].any()


@pytest.mark.parametrize("updater", [MLPUpdater(), DenseMLPUpdater(4), LowRankUpdater(4), RowUpdater(((1, 3),))])
@pytest.mark.parametrize(("shape", "got"), [((2, 3, 4), r"\(2, 3, 4\); pass inputs=3"), ((2,), r"\(2,\)")])
def test_features_of_another_width_are_refused(updater, shape, got):
    with pytest.raises(ValueError, match=rf"built for inputs=2 features a coordinate.*{got}"):
        updater(torch.zeros(shape), ())


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_a_dense_one_has_52_m_squared_weights(size, streaming):
    """2m x 8m + 8m x 4m + 4m x m = 52 m^2 weights, 8m + 4m + m = 13 m biases, two slopes."""
    updater = DenseMLPUpdater(size, streaming=streaming)
    layers = [part for part in updater.modules() if isinstance(part, nn.Linear)]
    assert sum(layer.weight.numel() for layer in layers) == 52 * size**2
    assert sum(parameter.numel() for parameter in updater.parameters()) == 52 * size**2 + 13 * size + 2


def test_for_the_papers_discriminator_it_has_341_million():
    with torch.device("meta"):
        updater = DenseMLPUpdater(2561)
    assert sum(parameter.numel() for parameter in updater.parameters()) == 341_086_787


def test_coordinates_see_each_other_and_instances_do_not():
    updater, features = stirred(DenseMLPUpdater(6)), torch.randn(2, 2, 2, 3)
    before = updater(features, ())[0]
    features[0, 0, 0, 0] += 1
    moved = updater(features, ())[0] != before
    assert before.shape == (2, 2, 3)
    assert moved[0].all()
    assert not moved[1].any()


def test_before_training_dense_updates_are_zero_unless_torchs_own_start_is_asked_for():
    features = torch.randn(3, 2, 4)
    assert not DenseMLPUpdater(4)(features, ())[0].any()
    assert DenseMLPUpdater(4, zero_head=False)(features, ())[0].all()


def test_the_same_weights_serve_with_and_without_streaming():
    plain, streaming = DenseMLPUpdater(5, zero_head=False), DenseMLPUpdater(5, streaming=True)
    streaming.load_state_dict(plain.state_dict())
    features = torch.randn(2, 2, 5)
    assert torch.equal(plain(features, ())[0], streaming(features, ())[0])


def test_another_number_of_coordinates_is_refused():
    with pytest.raises(
        ValueError, match=r"built for size=4 coordinates, got 5; build it for 5, or use MLPUpdater\(\)"
    ):
        DenseMLPUpdater(4)(torch.zeros(2, 2, 5), ())


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("shape", [(5,), (3, 2), (7, 3, 3)])
def test_the_updater_that_a_refusal_advises_takes_what_was_refused(inputs, shape):
    features = torch.randn(2, inputs, *shape)
    for updater in (DenseMLPUpdater(4, inputs), LowRankUpdater(4, inputs=inputs), RowUpdater([(1, 3)], inputs)):
        with pytest.raises(ValueError, match="built for size=4") as refused:
            updater(features, ())
        (advised,) = built(str(refused.value), minimax_l2l)
        assert advised(features, ())[0].shape == (2, *shape)


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (3, 2, 2)])
def test_another_number_of_features_is_refused_with_the_number_that_it_needs(shape):
    features = torch.randn(2, *shape)
    for make in (MLPUpdater, RNNUpdater, partial(DenseMLPUpdater, features[0, 0].numel())):
        with pytest.raises(ValueError, match=rf"; pass inputs={shape[0]}, or"):
            make(inputs=2)(features, ())
        assert make(inputs=shape[0])(features, ())[0].shape == (2, *shape[1:])


def test_a_low_rank_one_has_the_weights_of_its_layers():
    """For m = 2,561 and r = 16: 2m r + r, then r 8r + 8r, 8r 4r + 4r, 4r m + m, and three slopes."""
    weights = (2 * 2561 * 16 + 16) + (16 * 128 + 128) + (128 * 64 + 64) + (64 * 2561 + 2561) + 3
    assert sum(parameter.numel() for parameter in LowRankUpdater(2561).parameters()) == weights == 258_868


def test_low_rank_updates_lie_in_a_space_of_four_ranks():
    updater = stirred(LowRankUpdater(40, rank=1)).double()
    updates, _ = updater(torch.randn(100, 2, 40, dtype=torch.float64), ())
    assert torch.linalg.matrix_rank(updates - updater.head.bias) == 4


def test_a_low_rank_update_is_shaped_as_the_inner_variable_and_zero_before_training():
    update, state = LowRankUpdater(6, rank=2)(torch.randn(3, 2, 2, 3), ())
    assert update.shape == (3, 2, 3)
    assert not update.any()
    assert state == ()


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="rank must be at least 1"):
        LowRankUpdater(4, rank=0)
    with pytest.raises(ValueError, match="LowRankUpdater was built for size=4 coordinates, got 5"):
        LowRankUpdater(4)(torch.zeros(2, 2, 5), ())
