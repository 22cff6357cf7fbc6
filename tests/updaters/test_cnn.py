"""Convolutional updaters: the paper's tables layer by layer, a sign step at the start, costs that match."""

import pytest
import torch
from advised import built
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import minimax_l2l
from minimax_l2l import CNNUpdater
from tasks.adversarial import SmallResNet


def flops(network, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(*inputs)
    return counter.get_total_flops()


def convolutions(updater):
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (part.in_channels, part.out_channels, part.kernel_size[0], part.stride[0])
        for part in updater.modules()
        if isinstance(part, kinds)
    ]


@pytest.mark.parametrize("make", [CNNUpdater.wide, CNNUpdater.published, CNNUpdater.slim, CNNUpdater.light])
@pytest.mark.parametrize(("channels", "inputs", "side"), [(3, 2, 32), (1, 2, 8), (1, 1, 28), (3, 1, 6)])
def test_an_update_is_shaped_as_the_image(make, channels, inputs, side):
    features = torch.randn(2, inputs, channels, side, side)
    update, state = make(channels, inputs, width=8)(features, ())
    assert update.shape == (2, channels, side, side)
    assert state == ()


def test_the_wide_attacker_is_the_papers_table_1():
    """3x3 convolution to 64, residual blocks to 128, 256 and 128, each beside a 1x1 shortcut, 3x3 back to RGB."""
    expected = [(6, 64, 3, 1)]
    for inputs, outputs in ((64, 128), (128, 256), (256, 128)):
        expected += [(inputs, outputs, 3, 1), (outputs, outputs, 3, 1), (inputs, outputs, 1, 1)]
    assert convolutions(CNNUpdater.wide()) == [*expected, (128, 3, 3, 1)]


def test_the_published_attacker_is_that_of_the_authors_code():
    """As Table 1, then a block back to 64, BatchNorm without weights, and 64 channels back to RGB."""
    updater, expected = CNNUpdater.published(), [(6, 64, 3, 1)]
    for inputs, outputs in ((64, 128), (128, 256), (256, 128), (128, 64)):
        expected += [(inputs, outputs, 3, 1), (outputs, outputs, 3, 1), (inputs, outputs, 1, 1)]
    assert convolutions(updater) == [*expected, (64, 3, 3, 1)]
    norms = [part for part in updater.modules() if isinstance(part, nn.BatchNorm2d)]
    assert [(norm.num_features, norm.affine) for norm in norms] == [
        (64, True),
        *((width, False) for width in (64, 128, 128, 256, 256, 128, 128, 64, 64)),
    ]
    assert [norm.eps for norm in norms] == [1e-3] + [1e-5] * 9
    block = updater.body[3]  # Glorot's bound is gain sqrt(6 / (inputs + outputs)), where 3x3 windows count as nine
    for part, gain, size in ((block.body[2], 2**0.5, 9), (block.body[5], 2**0.5, 9), (block.shortcut, 1.0, 1)):
        bound = gain * (6 / (size * (part.in_channels + part.out_channels))) ** 0.5
        assert 0.99 * bound < part.weight.abs().max().item() <= bound


def test_the_slim_attacker_is_the_papers_table_7():
    """Down to half resolution at 128, residual blocks to 256 and 128, up to 16, beside the input back to RGB."""
    expected = [(6, 128, 3, 2)]
    for inputs, outputs in ((128, 256), (256, 128)):
        expected += [(inputs, outputs, 3, 1), (outputs, outputs, 3, 1), (inputs, outputs, 1, 1)]
    updater = CNNUpdater.slim()
    assert convolutions(updater) == [*expected, (128, 16, 4, 2), (22, 3, 3, 1)]
    assert updater.body.scale.item() == 5.0


def test_a_light_attacker_begins_as_gain_times_the_gradient():
    features = torch.randn(2, 2, 3, 8, 8)
    update, _ = CNNUpdater.light(gain=4.0)(features, ())
    assert torch.equal(update, 4.0 * features[:, 1])


def test_a_gain_that_begins_by_descending_is_refused():
    for make in (CNNUpdater.light, lambda gain: CNNUpdater("slim", gain=gain)):
        with pytest.raises(ValueError, match="gain must be a finite number from 0 on, got -16"):
            make(gain=-16)
    with pytest.raises(ValueError, match="gain must be a finite number from 0 on, got -16"):
        CNNUpdater.matched(nn.Conv2d(1, 3, 3), torch.ones(1, 8, 8), gain=-16)
    assert CNNUpdater.light(gain=0).gain == 0


def test_a_light_attacker_without_a_gradient_begins_with_nothing_and_has_no_gain_to_learn():
    updater = CNNUpdater.light(1, inputs=1)
    assert not updater(torch.randn(2, 1, 1, 8, 8), ())[0].any()
    assert not updater.body.gain.requires_grad


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1.0])
def test_a_matched_attacker_costs_at_most_its_share_and_the_next_one_more(share):
    classifier, image = SmallResNet(width=16), torch.zeros(1, 8, 8)
    budget = share * flops(classifier, image[None])
    features = torch.zeros(1, 2, 1, 8, 8)
    updater = CNNUpdater.matched(classifier, image, share=share)
    assert flops(updater, features, ()) <= budget
    assert flops(CNNUpdater.light(1, width=2 * updater.width), features, ()) > budget


def test_matching_leaves_the_classifier_as_it_was():
    classifier = SmallResNet().train()
    classifier.norm.eval()
    before = [part.training for part in classifier.modules()]
    assert CNNUpdater.matched(classifier, torch.zeros(1, 8, 8), share=0.0).width == 1
    assert [part.training for part in classifier.modules()] == before


@pytest.mark.parametrize("shape", [(2, 2, 3, 8), (2, 1, 3, 8, 8), (2, 2, 1, 8, 8)])
def test_features_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"built for inputs=2 features and channels=3.*got \(2, "):
        CNNUpdater.light()(torch.zeros(shape), ())


@pytest.mark.parametrize("make", [CNNUpdater.slim, CNNUpdater.light])
def test_odd_images_are_refused_at_half_resolution(make):
    with pytest.raises(ValueError, match=r"images need even sides, got \(7, 8\)"):
        make(1, width=8)(torch.zeros(2, 2, 1, 7, 8), ())
    assert CNNUpdater.wide(1, width=2)(torch.zeros(2, 2, 1, 7, 8), ())[0].shape == (2, 1, 7, 8)


@pytest.mark.parametrize("make", [CNNUpdater.wide, CNNUpdater.slim, CNNUpdater.light])
@pytest.mark.parametrize("built_for", [{}, {"channels": 1}, {"channels": 1, "inputs": 1}, {"inputs": 3}])
@pytest.mark.parametrize(
    "shape",
    [
        *((2, 2, 1, 8, 8), (2, 2, 3, 8, 8), (2, 2, 4, 6, 8), (2, 1, 1, 8, 8), (2, 1, 3, 8, 8), (2, 3, 1, 8, 8)),
        *((2, 2, 1, 7, 7), (2, 2, 3, 7, 8), (2, 1, 1, 8, 5), (2, 3, 5, 1, 1)),  # odd sides
        *((1, 2, 2561), (2, 1, 6), (2, 3, 8, 8), (2, 2, 1, 1, 8, 8), (4, 2)),  # no images
    ],
)
def test_the_updater_that_a_refusal_advises_takes_what_was_refused(make, built_for, shape):
    updater, features = make(width=8, **built_for), torch.randn(shape)
    try:
        updater(features, ())
    except ValueError as refused:
        (advised,) = built(str(refused), minimax_l2l)
        update, _ = advised(features, ())
        assert update.shape == features[:, 0].shape
        odd = len(shape) == 5 and any(side % 2 for side in shape[3:])
        assert odd or len(shape) != 5 or advised.architecture == updater.architecture
    else:
        assert shape[1:3] == (updater.inputs, updater.channels)


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="no architecture 'slimm'; did you mean 'slim'"):
        CNNUpdater("slimm")
    with pytest.raises(ValueError, match="width must be at least 1"):
        CNNUpdater.light(width=0)
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\]"):
        CNNUpdater.matched(SmallResNet(), torch.zeros(1, 8, 8), share=2.0)
