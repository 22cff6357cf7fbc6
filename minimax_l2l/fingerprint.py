"""A checksum of words and tensors, by which two of them are known to be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
from torch import Tensor


def fingerprint(tensors: Iterable[Tensor], words: str = "") -> str:
    """SHA-256 of some words and of the dtypes, shapes and values of tensors, wherever they are; 64 hex digits."""
    hashed = hashlib.sha256(words.encode())
    for part in tensors:
        hashed.update(f"{part.dtype} {tuple(part.shape)}".encode())
        hashed.update(part.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()
