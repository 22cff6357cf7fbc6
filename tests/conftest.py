"""What all tests share: one thread and one seed, so that no test depends on the machine or on another test."""

import pytest
import torch


@pytest.fixture(autouse=True)
def repeatable():
    torch.set_num_threads(1)
    torch.manual_seed(0)
