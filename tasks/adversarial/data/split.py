"""Validation images for data that have none: the same tenth of the training images every time."""

from __future__ import annotations

import torch

from tasks.adversarial.data.images import Images

SPLIT_SEED = 0


def set_apart(train: Images, source: object) -> tuple[Images, Images]:
    """Split training images.

    Args:
        train: all of them.
        source: the file or folder they were read from, for the sentence.

    Returns:
        Those to train on, and a random tenth to validate on, which depends on their number alone.

    Raises:
        ValueError: if there are fewer than 10.
    """
    if len(train) < 10:
        raise ValueError(f"{source} holds {len(train)} training images; at least 10 are needed to set some apart.")
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(SPLIT_SEED))
    return train.at(order[len(train) // 10 :]), train.at(order[: len(train) // 10])
