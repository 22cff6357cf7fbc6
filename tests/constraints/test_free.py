"""The set of all points."""

import pytest
import torch

from minimax_l2l import Free, L2Ball


def test_nothing_is_done_to_a_tree():
    y = torch.randn(2, 3), torch.randn(2)
    assert Free().project(y) is y
    assert Free().squash(y) is y
    assert Free().violation(y).tolist() == [0.0, 0.0]


def test_with_another_set_it_is_that_set():
    y = torch.tensor([[3.0, -4.0]])
    assert torch.equal((Free() & L2Ball(1.0)).project(y), L2Ball(1.0).project(y))
    assert torch.equal((Free() & Free()).project(y), y)


@pytest.mark.parametrize("operation", ["project", "violation", "direction"])
@pytest.mark.parametrize("tree", [torch.tensor(1.0), (torch.zeros(2), torch.zeros(3))])
def test_instances_must_be_told_apart(operation, tree):
    with pytest.raises(ValueError, match="needs the instances along its first dimension"):
        getattr(Free(), operation)(tree)


def test_a_tree_without_leaves_is_refused():
    with pytest.raises(ValueError, match="every leaf of the inner variable needs the instances"):
        Free().violation(())
