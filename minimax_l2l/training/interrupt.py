"""Ctrl-C ends a run between two steps, so that what is on disk is always whole."""

from __future__ import annotations

import signal
import threading


class DelayedInterrupt:
    """A context in which the first Ctrl-C only sets `asked`; a second one interrupts at once.

    Outside the main thread, where Python delivers no signals, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._listening = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> DelayedInterrupt:
        if self._listening:
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        if self._listening:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
