"""Coordinates in a span have the inner products they were made of, and mixtures come back."""

import pytest
import torch

from minimax_l2l.updaters.gram.span import span


def units(count, vectors, size, rank=None):
    made = torch.randn(count, vectors, size, dtype=torch.float64)
    if rank is not None:
        made = torch.randn(count, vectors, rank, dtype=torch.float64) @ made[:, :rank]
    return torch.nn.functional.normalize(made, dim=2)


def test_two_vectors_by_hand():
    found = span(torch.tensor([[[1.0, 0.6], [0.6, 1.0]]]), 2)
    torch.testing.assert_close(found.coordinates, torch.tensor([[[1.0, 0.0], [0.6, 0.8]]]))
    assert found.pivots.tolist() == [[0, 1]]
    weights = found.mixture(torch.tensor([[0.0, 0.8]]))
    torch.testing.assert_close(weights, torch.tensor([[-0.6, 1.0]]))


@pytest.mark.parametrize(
    ("vectors", "size", "rank"), [(5, 3, None), (3, 8, None), (7, 9, 2), (1, 1, None), (90, 70, None), (90, 70, 40)]
)
def test_inner_products_are_kept(vectors, size, rank):
    made = units(4, vectors, size, rank)
    gram = made @ made.mT
    found = span(gram, min(vectors, size))
    torch.testing.assert_close(found.coordinates @ found.coordinates.mT, gram)


@pytest.mark.parametrize(("vectors", "size", "rank"), [(5, 3, None), (3, 8, None), (7, 9, 2), (90, 70, 40)])
def test_a_point_is_a_mixture_of_the_vectors(vectors, size, rank):
    made = units(4, vectors, size, rank)
    found = span(made @ made.mT, min(vectors, size))
    wanted = torch.einsum("nc,nci->ni", torch.randn(4, vectors, dtype=torch.float64), found.coordinates)
    mixed = torch.einsum("nc,ncd->nd", found.mixture(wanted), made)
    torch.testing.assert_close(
        torch.einsum("nd,ncd->nc", mixed, made), torch.einsum("ni,nci->nc", wanted, found[0])
    )


def test_nothing_spans_nothing():
    found = span(torch.zeros(2, 3, 3), 2)
    assert not found.coordinates.any()
    assert not found.mixture(torch.zeros(2, 2)).any()


def test_a_player_without_numbers():
    found = span(torch.zeros(2, 3, 3), 0)
    assert found.coordinates.shape == (2, 3, 0)
    assert not found.mixture(torch.zeros(2, 0)).any()
