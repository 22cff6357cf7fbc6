"""Networks that were measured are left as they were."""

import pytest
from torch import nn

from minimax_l2l.modes import resting


def test_resting_gives_every_module_its_own_mode_back():
    module = nn.Sequential(nn.Dropout(), nn.Linear(1, 1))
    module[0].eval()

    def fail():
        assert not any(part.training for part in module.modules())
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"), resting(module):
        fail()
    assert [part.training for part in module.modules()] == [True, False, True]
