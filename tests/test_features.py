"""Features: unit size worked out by hand, nothing lost to underflow, instances apart."""

import math

import pytest
import torch

from minimax_l2l import GradientFeatures, IterateFeatures, LogSignFeatures
from minimax_l2l.features import largest_entry, normalise, root_mean_square

GRADIENT = torch.tensor([[3.0, -4.0], [0.0, 0.5]])


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("rms", [[3 / 12.5**0.5, -4 / 12.5**0.5], [0.0, 2**0.5]]),
        ("max", [[0.75, -1.0], [0.0, 1.0]]),
        ("batch-max", [[0.75, -1.0], [0.0, 0.125]]),
        ("sign", [[1.0, -1.0], [0.0, 1.0]]),
        ("none", [[3.0, -4.0], [0.0, 0.5]]),
    ],
)
def test_gradients_are_normalised_as_by_hand(how, expected):
    torch.testing.assert_close(normalise(GRADIENT, how), torch.tensor(expected))


@pytest.mark.parametrize("how", ["rms", "max", "batch-max", "sign", "none"])
def test_a_zero_gradient_stays_zero(how):
    assert normalise(torch.zeros(2, 3, 4), how).tolist() == torch.zeros(2, 3, 4).tolist()


@pytest.mark.parametrize("size", [1e-30, 1e-38, 1e30])
@pytest.mark.parametrize("how", ["rms", "max", "batch-max"])
def test_the_size_of_a_gradient_does_not_matter_in_float32(how, size):
    unit = normalise(GRADIENT, how)
    torch.testing.assert_close(normalise(size * GRADIENT, how), unit, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("how", "together"), [("rms", False), ("max", False), ("none", False), ("sign", False), ("batch-max", True)]
)
def test_only_batch_max_couples_instances(how, together):
    louder = GRADIENT * torch.tensor([[10.0], [1.0]])
    assert torch.equal(normalise(louder, how)[1], normalise(GRADIENT, how)[1]) is not together


def test_sizes_are_per_instance_and_broadcast():
    image = GRADIENT.view(2, 1, 1, 2)
    assert largest_entry(image).tolist() == [[[[4.0]]], [[[0.5]]]]
    torch.testing.assert_close(root_mean_square(image), torch.tensor([12.5, 0.125]).sqrt().view(2, 1, 1, 1))


def test_the_root_mean_square_has_its_own_derivative():
    assert torch.autograd.gradcheck(root_mean_square, torch.randn(3, 5, dtype=torch.float64, requires_grad=True))


def test_the_root_mean_square_is_differentiable_at_zero():
    gradient = torch.zeros(2, 3, requires_grad=True)
    root_mean_square(gradient).sum().backward()
    assert gradient.grad.tolist() == torch.zeros(2, 3).tolist()


def test_a_nan_is_not_hidden():
    assert normalise(torch.tensor([[float("nan"), 1.0]]), "rms").isnan().any()


def test_gradient_features_are_the_iterate_before_the_gradient():
    iterate = torch.tensor([[7.0, 8.0], [9.0, 10.0]])
    both = GradientFeatures("max")
    assert both(iterate, GRADIENT).tolist() == [[[7.0, 8.0], [0.75, -1.0]], [[9.0, 10.0], [0.0, 1.0]]]
    assert (both.channels, both.needs_gradient) == (2, True)
    alone = GradientFeatures("none", iterate=False)
    assert alone(iterate, GRADIENT).tolist() == GRADIENT[:, None].tolist()
    assert alone.channels == 1


def test_iterate_features_ask_for_no_gradient():
    features = IterateFeatures()
    assert features(GRADIENT).tolist() == GRADIENT[:, None].tolist()
    assert (features.channels, features.needs_gradient) == (1, False)


def test_gradient_features_refuse_to_go_without_one():
    with pytest.raises(ValueError, match="needs a gradient, got None"):
        GradientFeatures()(GRADIENT, None)


def test_an_unknown_normalisation_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="no normalisation 'rsm'; did you mean 'rms'"):
        GradientFeatures("rsm")


def test_log_sign_features_are_those_of_andrychowicz():
    """(log|g| / p, sign g) where |g| >= e^-p, and (-1, e^p g) below; here p = 2, so e^-p = 0.135."""
    iterate, small = torch.tensor([[5.0, 6.0, 7.0, 8.0, 9.0]]), math.exp(-2.0)
    gradient = torch.tensor([[math.e, -1.0, -math.exp(-1.0), 0.5 * small, 0.0]])
    expected = torch.tensor(
        [[[5.0, 6.0, 7.0, 8.0, 9.0], [0.5, 0.0, -0.5, -1.0, -1.0], [1.0, -1.0, -1.0, 0.5, 0.0]]]
    )
    features = LogSignFeatures(2.0)
    torch.testing.assert_close(features(iterate, gradient), expected)
    assert (features.channels, features.needs_gradient, LogSignFeatures().p) == (3, True, 10.0)
    alone = LogSignFeatures(2.0, iterate=False)
    torch.testing.assert_close(alone(iterate, gradient), expected[:, 1:])
    assert alone.channels == 2


@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-30, 1e30])
def test_log_sign_features_stay_finite_and_bounded(size):
    _, magnitude, sign = LogSignFeatures()(GRADIENT, size * GRADIENT).unbind(1)
    assert magnitude.isfinite().all()
    assert (magnitude >= -1).all()
    assert (sign.abs() <= 1).all()


def test_log_sign_features_tell_small_gradients_from_smaller_ones():
    features = LogSignFeatures(iterate=False)
    assert not torch.equal(features(GRADIENT, 1e-2 * GRADIENT), features(GRADIENT, 1e-3 * GRADIENT))


def test_log_sign_features_show_a_nan_and_refuse_to_go_without_a_gradient():
    assert LogSignFeatures()(GRADIENT, GRADIENT * math.nan)[:, 1:].isnan().all()
    with pytest.raises(ValueError, match="LogSignFeatures needs a gradient, got None"):
        LogSignFeatures()(GRADIENT, None)
    with pytest.raises(ValueError, match="p must be a finite number above 0"):
        LogSignFeatures(0.0)
