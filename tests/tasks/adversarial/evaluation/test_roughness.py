"""Roughness by hand."""

import pytest
import torch

from tasks.adversarial import roughness


def test_by_hand():
    """Of [[1, 2], [4, 8]] / 10 neighbours differ by 0.1, 0.4, 0.3 and 0.6."""
    change = torch.tensor([[[[1.0, 2.0], [4.0, 8.0]]]]) / 10
    even = torch.full((1, 1, 2, 2), 0.7)
    chequered = torch.tensor([[[[1.0, -1.0], [-1.0, 1.0]]]])
    found = roughness(torch.cat([change, even, chequered]), eps=1.0)
    assert torch.allclose(found, torch.tensor([0.35, 0.0, 2.0]))
    assert torch.allclose(roughness(change, eps=0.5), torch.tensor([0.7]))


def test_independent_signs_have_one():
    signs = torch.randint(0, 2, (4, 3, 64, 64), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
    assert torch.allclose(roughness(0.1 * signs, eps=0.1), torch.ones(4), atol=0.03)


@pytest.mark.parametrize(
    ("shape", "eps", "said"),
    [((4, 4), 0.1, "one perturbation"), ((1, 3, 1, 1), 0.1, "two pixels"), ((1, 1, 2, 2), 0.0, "eps")],
)
def test_refusals(shape, eps, said):
    with pytest.raises(ValueError, match=said):
        roughness(torch.zeros(shape), eps)
