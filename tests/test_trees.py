"""Trees: leaves in order, one instance dimension, and views that lose nothing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minimax_l2l.trees import (
    choose,
    detach,
    instances,
    leaves,
    map_leaves,
    per_instance,
    ravel,
    rebuild,
    require_inner,
    unravel,
)

PAIR = (torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]))


def test_a_tensor_is_a_tree_of_one_leaf():
    assert leaves(PAIR[0]) == (PAIR[0],)
    assert leaves(PAIR) is PAIR
    assert rebuild(PAIR[0], [PAIR[1]]) is PAIR[1]
    assert rebuild(PAIR, [PAIR[1], PAIR[0]]) == (PAIR[1], PAIR[0])


def test_a_function_is_applied_leaf_by_leaf():
    doubled = map_leaves(lambda a, b: a + b, PAIR, PAIR)
    assert isinstance(doubled, tuple)
    assert all(torch.equal(a, 2 * b) for a, b in zip(doubled, PAIR, strict=True))


def test_trees_of_different_shape_are_not_mapped_together():
    with pytest.raises(ValueError, match="shorter"):
        map_leaves(lambda a, b: a + b, PAIR, PAIR[0])


@given(st.lists(st.lists(st.integers(1, 3), max_size=3), min_size=1, max_size=3), st.integers(1, 4))
def test_ravel_and_unravel_are_inverse(events, count):
    tree = tuple(torch.rand(count, *event) for event in events)
    flat = ravel(tree)
    assert flat.shape == (count, sum(leaf[0].numel() for leaf in tree))
    assert all(torch.equal(a, b) for a, b in zip(unravel(flat, tree), tree, strict=True))


def test_a_single_tensor_is_not_flattened():
    image = torch.rand(2, 1, 3, 3)
    assert ravel(image) is image
    assert unravel(image, image) is image


def test_instances_are_counted():
    assert instances(PAIR) == 2
    assert instances(torch.zeros(0, 3)) == 0


@pytest.mark.parametrize("tree", [torch.zeros(0, 3), torch.zeros(0), (torch.zeros(0, 2), torch.zeros(0))])
def test_an_inner_variable_has_an_instance(tree):
    with pytest.raises(
        ValueError, match=r"holds no instance, got shapes \[\(0,.*leave out batches without instances"
    ):
        require_inner(tree)


@pytest.mark.parametrize("tree", [torch.zeros(3, 0), torch.zeros(2, 0, 3), (torch.ones(2, 2), torch.zeros(2, 0))])
def test_an_instance_has_a_number(tree):
    with pytest.raises(ValueError, match=r"needs at least one number, got shape .*shape \(n, k\) with k >= 1"):
        require_inner(tree)


@pytest.mark.parametrize("tree", [torch.tensor(1.0), (torch.zeros(2, 1), torch.zeros(3, 1)), ()])
def test_leaves_without_a_common_instance_dimension_are_refused(tree):
    with pytest.raises(ValueError, match="along its first dimension, got shapes"):
        instances(tree)


def test_choose_takes_whole_instances():
    chosen = choose(torch.tensor([True, False]), PAIR, map_leaves(torch.zeros_like, PAIR))
    assert chosen[0].tolist() == [[1.0], [0.0]]
    assert chosen[1].tolist() == [[3.0, 4.0], [0.0, 0.0]]


def test_numbers_per_instance_broadcast_over_any_event():
    for event in ((), (2,), (2, 3, 4)):
        like = torch.ones(5, *event)
        assert (per_instance(torch.arange(5.0), like) * like)[4].unique().tolist() == [4.0]


def test_detached_trees_carry_no_graph():
    tree = map_leaves(lambda leaf: leaf.clone().requires_grad_() * 1, PAIR)
    assert all(leaf.requires_grad for leaf in tree)
    assert not any(leaf.requires_grad for leaf in detach(tree))


@pytest.mark.parametrize("y", [torch.zeros(3), (torch.zeros(3, 2), torch.zeros(3))], ids=["alone", "in a pair"])
def test_instances_need_a_dimension_of_their_own(y):
    with pytest.raises(
        ValueError, match=r"a dimension behind that of its instances, got shape \(3,\); make it y\[:, None"
    ):
        require_inner(y)
