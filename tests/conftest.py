"""What all tests share: one thread, one seed and the CPU, so that none depends on the machine or another test."""

import pytest
import torch


@pytest.fixture(autouse=True)
def repeatable(request):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("cuda") is None:
            patch.setattr(torch.cuda, "is_available", lambda: False)
        yield
