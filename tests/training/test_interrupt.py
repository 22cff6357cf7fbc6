"""Ctrl-C between two steps."""

import os
import signal
import threading

import pytest

from minimax_l2l.training.interrupt import DelayedInterrupt


@pytest.fixture(autouse=True)
def usual():
    """Python's own meaning of Ctrl-C, which a shell takes from what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_only_asks():
    with DelayedInterrupt() as interrupt:
        assert not interrupt.asked
        press()
        assert interrupt.asked


def test_the_second_interrupts():
    with DelayedInterrupt() as interrupt:
        press()
        with pytest.raises(KeyboardInterrupt):
            press()
    assert interrupt.asked


def test_the_usual_meaning_comes_back():
    before = signal.getsignal(signal.SIGINT)

    def fail():
        assert signal.getsignal(signal.SIGINT) != before
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"), DelayedInterrupt():
        fail()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        press()


def test_outside_the_main_thread_nothing_happens():
    before = signal.getsignal(signal.SIGINT)
    heard = []

    def enter():
        with DelayedInterrupt() as interrupt:
            heard.append((interrupt.asked, signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert heard == [(False, True)]
