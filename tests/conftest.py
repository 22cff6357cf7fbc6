"""What all tests share: one thread, one seed, the CPU, so that none depends on another; a way to run commands."""

import gc
import os
import signal
from functools import cache
from importlib.metadata import entry_points

import pytest
import torch

from minimax_l2l import cli


def pytest_configure():
    """One thread, since tests run side by side, also for fixtures of modules and in processes that tests start.

    And Ctrl-C at work: a shell that starts the tests in the background switches it off, and some tests press it.
    """
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What has been collected stays until the end: nobody looks through it for what might go."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def installed_once():
    """What is installed stays as it is; to look for it anew is half of what a run of two steps takes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("lightning_fabric.utilities.registry", "minimax_l2l.lab.family"):
            patch.setattr(f"{module}.entry_points", cache(entry_points))
        yield


@pytest.fixture(autouse=True, scope="session")
def only_devices_that_are_there():
    """A seed for a kind of device that is not there is noted by torch with its stack, which takes milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (torch.cuda, torch.xpu, torch.mtia):
            if not kind.is_available():
                patch.setattr(kind, "manual_seed_all", lambda seed: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def nobody_waits_for_a_worker_that_failed():
    """Torch would look after five seconds whether a process that loads data has ended; it may do so at any time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
        yield


@pytest.fixture(autouse=True)
def repeatable(request):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("cuda") is None:
            patch.setattr(torch.cuda, "is_available", lambda: False)
        yield


@pytest.fixture
def run(capsys):
    """Run a command; exit code, standard output, standard error with its lines joined."""

    def call(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, " ".join(captured.err.split())

    return call
