"""Faults of parts: every error becomes one of this project's, and closing never waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from streamguard.errors import CancelledError, StalledError, StreamguardError

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that something which shall end is waited for."""

HURRY = 0.15
"""The same, once the user wants to stop: all that hangs must be given up within a second."""

_POLL = 0.05


@contextmanager
def blamed(kind: type[StreamguardError], what: str) -> Iterator[None]:
    """Turn what is not of this project's errors into one, whatever it is.

    A `SystemExit` that a library raises in a thread must not end the program as if all were well.
    """
    try:
        yield
    except StreamguardError:
        raise
    except MemoryError as error:
        raise kind(
            f"{what} ran out of memory", "close other programs, or choose a shorter look-ahead"
        ) from error
    except BaseException as error:
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        raise kind(
            f"{what} failed: {words}", "report it with the input if it happens twice"
        ) from error


def let_go(action: Callable[[], None], patience: float | None = PATIENCE) -> None:
    """Close or abort something that a thread may still hang in, without hanging as well.

    Args:
        action: What to do. It goes on in a thread of its own when time is up.
        patience: Seconds to wait for its end; None waits, but lets Ctrl-C through.

    Raises:
        BaseException: Whatever ``action`` raised in time.
    """
    call = WatchedCall(action, "closing")
    until = float("inf") if patience is None else time.monotonic() + patience
    while not call.ended(_POLL) and time.monotonic() < until:
        pass
    if call.error is not None:
        raise call.error


@contextmanager
def letting_go(action: Callable[[], None]) -> Iterator[None]:
    """Close something with `let_go` at the end of the block, in a hurry if it was cancelled."""
    try:
        yield
    except BaseException as error:
        let_go(action, patience_after(error))
        raise
    let_go(action)


def patience_after(error: BaseException) -> float:
    """Return the seconds that something may take to close after an error."""
    hurries = isinstance(error, CancelledError | KeyboardInterrupt)
    return HURRY if hurries else PATIENCE


def watched(
    action: Callable[[], T],
    what: str,
    *,
    timeout: float | None,
    cancelled: threading.Event | None = None,
    discard: Callable[[T], None] | None = None,
) -> T:
    """Do something that may never return, and give up on it in time.

    Args:
        action: What to do, in a thread of its own, which is left behind when it is given up.
        what: What it is, for messages, such as ``opening a.mp4``.
        timeout: Seconds it may take; None for any time.
        cancelled: Set from anywhere, it ends the wait.
        discard: Called with a result that comes after the wait was given up.

    Raises:
        CancelledError: ``cancelled`` was set.
        StalledError: Time is up.
        BaseException: Whatever ``action`` raised.
    """
    call = WatchedCall(action, what)
    until = float("inf") if timeout is None else time.monotonic() + timeout
    try:
        while not call.ended(_POLL):
            if cancelled is not None and cancelled.is_set():
                raise CancelledError("stopped on request", "nothing was written")
            if time.monotonic() >= until:
                raise StalledError(
                    f"{what} took longer than {timeout:g} s",
                    "Is it whole, and on a disk that answers? Else allow it more time",
                )
    except BaseException:
        call.forget(discard)
        raise
    return call.value()


class WatchedCall(Generic[T]):
    """One call in a thread of its own, which cannot keep the process alive.

    Attributes:
        error: What it raised, once it has ended.
    """

    def __init__(self, action: Callable[[], T], what: str) -> None:
        self.error: BaseException | None = None
        self._results: list[T] = []
        self._action = action
        self._lock = threading.Lock()
        self._discard: Callable[[T], None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"streamguard {what}", daemon=True)
        try:
            self._thread.start()
        except (RuntimeError, MemoryError):
            # There is no memory for one more thread; then better without.
            self._run()

    def ended(self, wait: float) -> bool:
        """Wait up to so many seconds for the end; return whether it has come."""
        if self._thread.ident is not None:
            self._thread.join(wait)
        return not self._thread.is_alive()

    def value(self) -> T:
        """Return the result, or raise what the call raised."""
        if self.error is not None:
            raise self.error
        return self._results[0]

    def forget(self, discard: Callable[[T], None] | None) -> None:
        """Let ``discard`` have the result whenever it comes; nobody else wants it."""
        with self._lock:
            self._discard = discard
            late = self._results[:]
        if discard is not None and late:
            discard(late[0])

    def _run(self) -> None:
        try:
            result = self._action()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
            return
        with self._lock:
            self._results.append(result)
            discard = self._discard
        if discard is not None:
            discard(result)
