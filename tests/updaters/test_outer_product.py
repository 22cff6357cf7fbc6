"""Outer products: a matrix to torch, whose norm, sums and scalings never form it."""

import pytest
import torch
from torch import nn

from minimax_l2l.updaters.outer_product import OuterProduct, StreamingLinear


@pytest.fixture
def matrix():
    generator = torch.Generator().manual_seed(2)
    return OuterProduct(*(torch.randn(3, width, generator=generator, dtype=torch.float64) for width in (5, 4)))


def test_it_is_the_sum_of_outer_products(matrix):
    expected = sum(torch.outer(left, right) for left, right in zip(matrix.left, matrix.right, strict=True))
    torch.testing.assert_close(matrix.dense(), expected)
    assert (matrix.shape, matrix.dtype) == ((5, 4), torch.float64)
    torch.testing.assert_close(matrix.rows(1, 4, torch.empty(3, 4, dtype=torch.float64)), expected[1:4])


def test_rows_of_a_single_product_have_the_bits_of_the_matrix(matrix):
    single = OuterProduct(matrix.left[:1], matrix.right[:1])
    assert torch.equal(single.rows(0, 5, torch.empty(5, 4, dtype=torch.float64)), single.dense())


@pytest.mark.parametrize("count", [1, 3])
def test_its_norm_is_the_matrixs(matrix, count):
    few = OuterProduct(matrix.left[:count], matrix.right[:count])
    torch.testing.assert_close(torch.linalg.vector_norm(few), few.dense().norm())
    torch.testing.assert_close(nn.utils.get_total_norm([few, torch.ones(2)]), (few.dense().norm() ** 2 + 2).sqrt())


def test_a_norm_of_another_order_is_that_of_the_matrix(matrix):
    largest = torch.linalg.vector_norm(matrix, float("inf"))
    assert torch.equal(largest, matrix.dense().abs().max())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_not_finite_shows_in_the_norm(matrix, bad, count):
    matrix.left[0, 2] = bad
    few = OuterProduct(matrix.left[:count], matrix.right[:count])
    assert not nn.utils.get_total_norm([few]).isfinite()


def test_sums_and_scaling_keep_the_factors(matrix):
    expected = 2 * matrix.dense()
    twice = matrix + matrix
    assert isinstance(twice, OuterProduct)
    torch.testing.assert_close(twice.dense(), expected)
    twice.mul_(0.25)
    torch.testing.assert_close(twice.dense(), expected / 4)
    torch.testing.assert_close(matrix.dense(), expected / 2)


def test_clipping_is_that_of_the_matrix(matrix):
    weights = [nn.Parameter(torch.zeros(5, 4, dtype=torch.float64)) for _ in range(2)]
    weights[0].grad, weights[1].grad = matrix, matrix.dense()
    for weight in weights:
        nn.utils.clip_grad_norm_([weight], 0.5)
    assert isinstance(weights[0].grad, OuterProduct)
    torch.testing.assert_close(weights[0].grad.dense(), weights[1].grad)


def test_any_other_reading_forms_the_matrix(matrix):
    torch.testing.assert_close(matrix @ torch.ones(4, dtype=torch.float64), matrix.dense().sum(1))
    assert (matrix + 1).shape == (5, 4)
    assert torch.equal(matrix * matrix, matrix.dense() ** 2)


@pytest.mark.parametrize("write", [lambda g: g.add_(1), lambda g: g.zero_(), lambda g: g.mul_(torch.ones(4))])
def test_any_other_writing_is_refused(matrix, write):
    with pytest.raises(TypeError, match="kept as outer products and never formed; step with StreamingAdam"):
        write(matrix)


@pytest.mark.parametrize("instances", [1, 3])
def test_a_layers_gradients_are_those_of_torchs(instances):
    plain = nn.Linear(4, 5)
    streaming = StreamingLinear(4, 5)
    streaming.load_state_dict(plain.state_dict())
    x = torch.randn(instances, 4, requires_grad=True)
    gradients = [
        torch.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()]) for layer in (plain, streaming)
    ]
    assert isinstance(gradients[1][1], OuterProduct)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other.dense() if isinstance(other, OuterProduct) else other)


def test_a_layer_without_an_asked_for_gradient_gives_none():
    layer = StreamingLinear(4, 5)
    layer.weight.requires_grad_(False)
    x = torch.randn(2, 4, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(2, 4))


def test_layers_work_in_mixed_precision():
    layer = StreamingLinear(4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = layer(torch.ones(1, 4)).sum()
    (gradient,) = torch.autograd.grad(value, [layer.weight])
    assert gradient.dtype == torch.float32
    assert torch.equal(gradient.dense(), torch.ones(5, 4))
