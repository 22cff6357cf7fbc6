"""Products: each leaf has its own set."""

import pytest
import torch

from minimax_l2l import Free, LinfBall, Product, Simplex


def test_a_product_treats_each_leaf_by_its_own_set():
    sets = Product(LinfBall(0.5), Simplex())
    y = (torch.tensor([[3.0, -4.0]]), torch.tensor([[2.0, 0.0]]))
    projected = sets.project(y)
    assert [leaf.tolist() for leaf in projected] == [[[0.5, -0.5]], [[1.0, 0.0]]]
    assert [leaf.shape for leaf in sets.squash(y)] == [leaf.shape for leaf in y]
    assert sets.violation(sets.sample((torch.rand(1, 2), torch.rand(1, 2)))).max() <= 1e-6


def test_a_product_refuses_another_number_of_leaves():
    with pytest.raises(ValueError, match="Product has 1 sets, got an inner variable y of 2 leaves"):
        Product(Free()).project((torch.zeros(1, 1), torch.zeros(1, 1)))


def test_a_product_of_nothing_is_refused():
    with pytest.raises(ValueError, match="Product needs at least one set, got none"):
        Product()
