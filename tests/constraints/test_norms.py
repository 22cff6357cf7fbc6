"""Norms of instances of any shape, in any memory format."""

import pytest
import torch

from minimax_l2l.constraints.norms import event_max, event_norm, event_rows, event_sum


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2), (4, 3, 2, 5)])
def test_they_are_those_of_the_flattened_instances(shape):
    value = torch.randn(shape)
    flat = value.reshape(4, -1)
    broadcast = (4, *[1] * (len(shape) - 1))
    torch.testing.assert_close(event_norm(value), flat.norm(dim=1).view(broadcast))
    torch.testing.assert_close(event_sum(value), flat.sum(1).view(broadcast))
    assert torch.equal(event_max(value), flat.amax(1))
    assert torch.equal(event_rows(value), flat)


def test_channels_last_is_not_copied():
    value = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    with torch.profiler.profile() as profile:
        event_norm(value), event_sum(value), event_max(value)
    assert not {"aten::copy_", "aten::clone"} & {event.key for event in profile.key_averages()}
