"""The same words and tensors have the same checksum, and no others."""

import itertools

import pytest
import torch

from minimax_l2l.fingerprint import fingerprint

A = torch.arange(6.0)


def test_what_is_the_same():
    wide = torch.arange(12.0).view(6, 2)[:, 0] / 2
    assert fingerprint([A]) == fingerprint(iter([A.clone().requires_grad_()])) == fingerprint([wide])
    assert len(fingerprint([])) == 64


def test_what_is_not():
    others = [
        ([A], ""),
        ([A], "seed 1"),
        ([A + 1], ""),
        ([A.double()], ""),
        ([A.int()], ""),
        ([A.view(2, 3)], ""),
        ([A, A], ""),
        ([A[:3], A[3:]], ""),
        ([], ""),
    ]
    found = [fingerprint(*one) for one in others]
    assert all(one != other for one, other in itertools.combinations(found, 2))


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.complex64]
)
def test_any_dtype(dtype):
    ones, zeros = torch.ones(3, dtype=dtype), torch.zeros(3, dtype=dtype)
    assert fingerprint([ones]) != fingerprint([zeros])
    assert fingerprint([torch.tensor(1, dtype=dtype)]) != fingerprint([torch.tensor([1], dtype=dtype)])
    assert fingerprint([ones[:0]]) != fingerprint([])
