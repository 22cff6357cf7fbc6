"""Where a run happens."""

from typing import NamedTuple

import pytest
import torch
from torch import nn

from minimax_l2l.training.runtime import Runtime


class Batch(NamedTuple):
    images: torch.Tensor
    step: int


@pytest.mark.parametrize(
    "device", ["tpu", "", "CPU", "cpu:1", "cpu:", "cpu:00", "auto:0", "cuda:", "cuda:x", "cuda:-1", "mps"]
)
def test_an_unknown_device(device):
    with pytest.raises(ValueError, match=f"there is no device '{device}'; choose auto, cpu, cuda or cuda:N"):
        Runtime(device)


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_cuda_where_there_is_none(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"device '{device}' was asked for, but torch sees no CUDA device"):
        Runtime(device)


def test_a_cuda_device_beyond_the_last(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="torch sees 2 CUDA devices, numbered from 0"):
        Runtime("cuda:2")


@pytest.mark.parametrize("precision", ["64-true", "16-mixed", "float32"])
def test_an_unknown_precision(precision):
    with pytest.raises(ValueError, match=f"there is no precision '{precision}'"):
        Runtime("cpu", precision)


def test_auto_takes_the_cpu_where_there_is_no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Runtime("auto").device == torch.device("cpu")


def test_a_batch_keeps_its_collection():
    batch, weight = Runtime("cpu").share(Batch(torch.ones(2), 3))
    assert weight == 1
    assert isinstance(batch, Batch)
    assert batch.step == 3
    assert Runtime("cpu").share({"a": [torch.ones(1)]})[0] == {"a": [torch.ones(1)]}


def test_modules_are_placed_in_place():
    module = nn.Linear(2, 2)
    parameters = list(module.parameters())
    Runtime("cpu").place(module)
    assert all(one is other for one, other in zip(parameters, module.parameters(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_plain_precision_keeps_the_dtypes_that_are_there(dtype):
    module = nn.Linear(2, 2, dtype=dtype)
    wrapped = Runtime("cpu").wrap(module)
    assert wrapped(torch.ones(1, 2, dtype=dtype)).dtype == dtype
    assert torch.zeros(1).dtype == torch.float32


def test_mixed_precision():
    module, seen = nn.Sequential(nn.Linear(2, 2)), []
    module[0].register_forward_hook(lambda _, given, returned: seen.append(returned.dtype))
    Runtime("cpu", "bf16-mixed").wrap(module)(torch.ones(1, 2))
    assert seen == [torch.bfloat16]
    assert module[0].weight.dtype == torch.float32


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "cpu:0", torch.device("cpu", 0), None, "auto"])
def test_a_device_as_torch_takes_it(device):
    assert Runtime(device).device == torch.device("cpu")


@pytest.mark.parametrize("device", [0, torch.device("cuda"), torch.device("cuda", 0), "cuda:0"])
def test_a_cuda_device_that_is_not_there(device):
    with pytest.raises(ValueError, match="torch sees no CUDA device; choose auto or cpu"):
        Runtime(device)


@pytest.mark.parametrize(
    ("device", "error"),
    [
        (-1, ValueError),
        ("meta", ValueError),
        (torch.device("meta"), ValueError),
        ("cuda:x", ValueError),
        (True, TypeError),
        (1.0, TypeError),
        (["cpu"], TypeError),
    ],
)
def test_what_is_no_device(device, error):
    with pytest.raises(error, match="device"):
        Runtime(device)
