"""Containing faults: errors of any kind become this project's, and no end waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streamguard.errors import StreamguardError

PATIENCE = 5.0
"""Seconds that something which shall end is waited for."""

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
    errors: list[BaseException] = []

    def work() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work, name="streamguard closing", daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        # There is no memory for one more thread; then better without.
        action()
        return
    until = float("inf") if patience is None else time.monotonic() + patience
    while thread.is_alive() and time.monotonic() < until:
        thread.join(_POLL)
    if errors:
        raise errors[0]
