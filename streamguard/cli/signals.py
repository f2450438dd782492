"""Ctrl-C and SIGTERM: the first asks a run to stop, a later one ends it at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDS_WITHIN = 1.0
"""Seconds within which a run that was asked to stop ends by itself.

To interrupt it in that time would only cut short its clearing away.
"""
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class _EndRequest:
    """Signals so far that ask this process to end."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether there was any signal."""
        return self._since is not None

    def counts(self) -> bool:
        """Take one more signal; return whether it says more than the one before."""
        now = time.monotonic()
        if self._since is not None and now - self._since < ENDS_WITHIN:
            return False
        self._since = now
        return True


_END_REQUEST = _EndRequest()


def was_asked_to_end() -> bool:
    """Whether a signal has asked this process to end: what fails then failed because of that."""
    return _END_REQUEST.is_known


def interrupt_on_terminate() -> None:
    """Make SIGTERM and SIGHUP end the process the way Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if _END_REQUEST.counts():
            raise KeyboardInterrupt

    for number in _SIGNALS:
        # Whoever started us with a signal ignored (nohup) wants it ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Give an event that the first signal sets.

    One that comes `ENDS_WITHIN` seconds after it or later raises KeyboardInterrupt; what comes in
    between is not heeded.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if not _END_REQUEST.counts():
            return
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, handle)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
